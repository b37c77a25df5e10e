/* SPDX-License-Identifier: MIT
 *
 * The part of the codec suite that is about frames of blobs and the pool that keeps them. Private
 * to the suite; the state of each test is the struct codec_suite. */
#ifndef TEST_CODEC_SUITE_FRAMES_H
#define TEST_CODEC_SUITE_FRAMES_H

void codec_suite__test_kept_frame_is_the_frame_that_encode_makes(void **state);
void codec_suite__test_encode_with_a_pool_keeps_the_limits(void **state);
void codec_suite__test_every_allocation_beside_a_pool_may_fail(void **state);

#endif
