/* SPDX-License-Identifier: MIT
 *
 * A stack is what a URL's scheme stands for: a transport, the filters over it, and perhaps a multiplexer over
 * those. Without the latter two every call here is the transport's. Private to the core. */
#ifndef WEFT_STACK_H
#define WEFT_STACK_H

#include "core/filter.h"
#include "core/registry.h"
#include "core/transport.h"

struct weft__stack {
    const struct weft_transport *transport;
    size_t count;
    /* The outermost first. */
    struct {
        const struct weft_filter *filter;
        void *context, *config; /* the config is owned; NULL if the size is 0 */
        bool configured;        /* its release is owed */
    } filters[WEFT_FILTERS_MAX];
    const struct weft_transport *mux; /* NULL: there is none */
    void *mux_config;                 /* owned */
    enum weft_role role;
    size_t stream_size; /* of a connection's stream, with all in the same memory that is below it */
    /* The size of the stream of transport and filters. It differs from stream_size if there is a multiplexer, because a
     * session has that memory then. */
    size_t below_size;
};

/* Finds what the scheme of a URL stands for. The stack holds nothing that has to be freed. Returns 0, or
 * WEFT_ECONFIG with one line in *error. */
WEFT_MUST_USE int weft__stack_find(struct weft__stack *stack, const struct weft_registry *registry,
                                   const char *scheme, struct weft_error *error);

/* Configures the filters and the multiplexer. codecs is as in filter.h. Returns 0 or the error of a filter; what was
 * configured is freed by weft__stack_fini in any case. */
WEFT_MUST_USE int weft__stack_configure(struct weft__stack *stack, const struct weft_url *url,
                                        enum weft_role role, const struct weft_codec *const *codecs,
                                        struct weft_error *error);
/* Frees the configurations. A zeroed stack is fine. */
void weft__stack_fini(struct weft__stack *stack);

/* These have the contracts of the transport's slots (transport.h). pool has the pieces of what waits to be sent; it
 * outlives the stream, and so does the stack. attach makes a connection's stream, of what the multiplexer has accepted
 * if there is one. The two below leave the multiplexer out. */
WEFT_MUST_USE int weft__stack_attach(const struct weft__stack *stack, struct weft_stream *stream,
                                     struct weft_loop *loop, struct weft_piece_pool *pool,
                                     const struct weft_accepted *accepted);
WEFT_MUST_USE int weft__stack_attach_below(const struct weft__stack *stack,
                                           struct weft_stream *stream, struct weft_loop *loop,
                                           struct weft_piece_pool *pool,
                                           const struct weft_accepted *accepted);
WEFT_MUST_USE int weft__stack_connect(const struct weft__stack *stack, struct weft_stream *stream,
                                      struct weft_loop *loop, struct weft_piece_pool *pool,
                                      const struct weft_url *url, struct weft_error *error);

/* Drops what was accepted for attach. */
void weft__stack_drop(const struct weft__stack *stack, const struct weft_accepted *accepted);

/* True if a connection's stream begins with handshakes of filters. */
static inline bool weft__stack_shakes(const struct weft__stack *stack)
{
    return stack->count > 0 && !stack->mux;
}

/* True if the handshakes of all filters are over. stream is one over the filters of this stack, which has some. */
bool weft__stack_is_open(const struct weft_stream *stream);

#endif
