/* SPDX-License-Identifier: MIT
 *
 * Marks say how much output may wait in a connection. Private to its files. */
#ifndef WEFT_MARKS_H
#define WEFT_MARKS_H

#include "conn.h"

/* Returns the bytes of waiting output from which on detached requests get -EAGAIN. It is never above
 * output-low, because a paused connection decodes again below that, and they could keep it above. */
static inline size_t weft__push_mark(const struct weft_limits *limits)
{
    return (size_t)(limits->push_high < limits->output_low ? limits->push_high
                                                           : limits->output_low);
}

/* True if push-high is the mark of the request instead of output-high. */
static inline bool weft__request_pushes(const struct weft__request *request)
{
    return request->detached || request->endless;
}

/* Returns the most bytes that may wait, once another message is held. The rest of output-hard is left for
 * the head, whose output may reach output-high and then grow by one more frame. */
static inline size_t weft__most_held(const struct weft_limits *limits)
{
    size_t output = (size_t)(limits->output_high + limits->max_frame);

    return limits->output_hard > output ? (size_t)limits->output_hard - output : 0;
}

#endif
