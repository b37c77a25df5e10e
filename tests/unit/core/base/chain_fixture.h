/* SPDX-License-Identifier: MIT
 *
 * A chain over a pool that keeps two pieces, and what tests of chains look at. */
#ifndef WEFT_TEST_CHAIN_FIXTURE_H
#define WEFT_TEST_CHAIN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/chain.h"
#include "lib/fault.h"

struct chain_fixture {
    struct weft_piece_pool pool;
    struct weft_chain chain;
};

/* cmocka's fixtures; the state is a struct chain_fixture. Every test must give back all memory. */
int chain_setup(void **state);
int chain_teardown(void **state);

#define TEST(test) cmocka_unit_test_setup_teardown(test, chain_setup, chain_teardown)

/* All bytes as peek shows them, and that it never shows an empty vector; how many they are. */
size_t flatten(const struct weft_chain *chain, uint8_t *dst, size_t size);
/* The chain holds this text. */
void expect(const struct weft_chain *chain, const char *text);
int count_segments(const struct weft_chain *chain);

void append(struct weft_chain *chain, const char *text);
/* size bytes of c. */
void append_run(struct weft_chain *chain, int c, size_t size);
struct weft_blob *make_blob(const char *text);

/* A blob of LARGE_BLOB times 'B': the smallest that a chain refers to. */
enum { LARGE_BLOB = WEFT_COPY_MAX + 1 };
struct weft_blob *make_large_blob(void);

#endif
