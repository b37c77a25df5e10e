/* SPDX-License-Identifier: MIT
 *
 * A stream made of a filter and the stream below it. Private to the core. */
#ifndef WEFT_FILTER_STREAM_H
#define WEFT_FILTER_STREAM_H

#include "core/base/buf.h"
#include "core/filter.h"
#include "core/loop.h"
#include "core/transport.h"

/* The filter's state and the stream below lie behind this struct, in the owner's allocation. */
struct weft__filter_stream {
    struct weft_stream stream;
    const struct weft_filter *filter;
    void *state;
    struct weft_stream *below;
    struct weft_loop *loop;
    struct weft_chain down;     /* what goes below */
    struct weft_buf left;       /* what the filter has left of its input */
    struct weft_deferred again; /* tells the owner of bytes that are here already */
    size_t sent;                /* bytes of down that below has taken since unsent was asked */
    int error;                  /* the result of every read once it is not 0, when down has left */
    uint8_t wanted;             /* by the owner */
    bool is_open : 1;
    bool more : 1;        /* the filter has something to report without more input */
    bool below_ended : 1; /* a read has said 0 */
    bool ended : 1;       /* open has said 0 or an error; it is not called any more */
    bool told : 1;        /* the owner has heard so */
    bool asked : 1;       /* open was called */
    bool finished : 1;    /* the owner called shutdown */
    bool shut : 1;        /* below's shutdown was called */
};

/* Returns the bytes of a stream of this filter over one of `below` bytes. */
size_t weft__filter_stream_size(const struct weft_filter *filter, size_t below);

/* Returns where the stream below lies, which the caller attaches or connects before init. */
struct weft_stream *weft__filter_stream_below(const struct weft_filter *filter,
                                              struct weft_stream *stream);

/* Makes *stream a stream over the one below, which has an owner's on_ready from now on. Returns 0, or the error
 * of the filter's init; then the caller closes the stream below. */
WEFT_MUST_USE int weft__filter_stream_init(struct weft_stream *stream,
                                           const struct weft_filter *filter, const void *config,
                                           enum weft_role role, struct weft_loop *loop,
                                           struct weft_piece_pool *pool);

bool weft__filter_stream_is_open(const struct weft_stream *stream);

#endif
