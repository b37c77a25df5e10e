/* SPDX-License-Identifier: MIT
 *
 * Sends the content of a reply as gzip (Content-Encoding) to a client that asks for it. The content of a body in
 * two parts is compressed once and kept in the frame cache. */
#ifndef WEFT_HTTP_CODING_H
#define WEFT_HTTP_CODING_H

#include "codecs/compress/gzip.h"
#include "codecs/compress/scratch.h"
#include "codecs/compress/settings.h"
#include "core/codec.h"

/* The memory for one reply after another, one per loop. A zeroed one is valid and holds nothing. */
struct weft__http_coder {
    struct weft__scratch scratch;
    struct weft__gzip gzip;
};

void weft__http_coder_fini(struct weft__http_coder *coder);

/* How the replies of a connection are compressed. */
struct weft__http_coding {
    const struct weft__gzip_settings *settings;
    struct weft__http_coder *coder;
    uint32_t config_id;
};

/* A reply that is to be sent as gzip. */
struct weft__http_coded {
    const char *field; /* another field for its head, a whole line, or NULL */
    bool head_only;    /* it answers HEAD */
    bool must;         /* the client does not take the content as it is */
};

/* Appends the whole response `body` to io->out with its content as gzip. Its ETag, if it is strong, gets `-gzip`
 * at its end. Returns 1, or -ENOMEM, or 0 if it is to be sent as it is, because compressing it gains nothing or its
 * head forbids it; then io->out is unchanged. */
WEFT_MUST_USE int weft__http_send_coded(const struct weft__http_coding *coding,
                                        const struct weft__http_coded *coded,
                                        const struct weft_body *body, struct weft_encode_io *io);

/* Returns the size of the head that `reply` begins with, its empty line included. */
size_t weft__http_head_size(struct weft_view reply);

#endif
