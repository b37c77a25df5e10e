/* SPDX-License-Identifier: MIT
 *
 * Replies of HTTP on their way out. A service writes a response for HTTP/1.1; what becomes of it depends on
 * the request it answers: a reply to HEAD has no body, a reply to HTTP/1.0 no chunks, and the last reply of a
 * connection says that it is the last. So the codec notes what is special about a request, and drops the
 * note when its answer is over. Most requests have no note. */
#ifndef WEFT_HTTP_REPLY_H
#define WEFT_HTTP_REPLY_H

#include "coding.h"
#include "core/codec.h"

enum weft__http_note {
    WEFT__HTTP_HEAD = 1,  /* the reply has no body */
    WEFT__HTTP_OLD = 2,   /* the reply has no chunks */
    WEFT__HTTP_CLOSE = 4, /* the reply is the connection's last, and says so */
    WEFT__HTTP_KEEP =
        8, /* the reply says that the connection stays open: HTTP/1.0 needs to hear it */
    WEFT__HTTP_GZIP = 16, /* the client takes the content as gzip */
    WEFT__HTTP_MUST = 32, /* the client does not take the content as it is */
};

/* The answers that a connection owes. A zeroed one owes none. */
struct weft__http_answers {
    uint32_t asked, answered;           /* numbers of the next request and of the next answer */
    struct weft__http_special *special; /* the notes, the oldest at `first`; owned */
    uint32_t first, count, cap;
    bool begun;   /* the head of the answer has been sent */
    bool chunked; /* the rest of it goes in chunks */
    bool endless; /* the rest of it goes until the connection ends */
};

/* Notes a request that decode gives, good or bad. `flags` are of enum weft__http_note. -ENOMEM: nothing has
 * changed. */
WEFT_MUST_USE int weft__http_ask(struct weft__http_answers *answers, unsigned flags);

/* The encode and the finish of the codec. */
WEFT_MUST_USE int weft__http_encode(struct weft__http_answers *answers,
                                    const struct weft__http_coding *coding,
                                    const struct weft_body *body, struct weft_encode_io *io);
WEFT_MUST_USE int weft__http_finish(struct weft__http_answers *answers,
                                    const struct weft__http_coding *coding,
                                    struct weft_encode_io *io);

void weft__http_answers_fini(struct weft__http_answers *answers);

#endif
