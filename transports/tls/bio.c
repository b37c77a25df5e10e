/* SPDX-License-Identifier: MIT */
#include "bio.h"

#include <string.h>

#include "state.h"

static int bio_read(BIO *bio, char *dst, size_t size, size_t *got)
{
    struct weft__tls *tls = BIO_get_data(bio);
    struct weft_filter_io *io = tls->io;
    size_t first = weft_buf_size(&tls->first), there = first > 0 ? first : io->in.size;
    size_t n = there < size ? there : size;

    BIO_clear_retry_flags(bio);
    *got = n;
    if (n == 0 || tls->broke_rule) {
        BIO_set_retry_read(bio);
        return 0;
    }
    if (first > 0) {
        memcpy(dst, weft_buf_view(&tls->first).data, n);
        weft_buf_consume(&tls->first, n);
        if (n == first)
            weft_buf_fini(&tls->first);
    } else {
        memcpy(dst, io->in.data, n);
        io->in = weft_view_skip(io->in, n);
    }
    if (!tls->is_open)
        tls->taken += n;
    return 1;
}

/* Fills the last piece of the chain before it takes another one. */
static int bio_write(BIO *bio, const char *data, size_t size, size_t *taken)
{
    struct weft__tls *tls = BIO_get_data(bio);
    struct weft_chain *down = tls->io->down;
    size_t at = 0;

    BIO_clear_retry_flags(bio);
    while (at < size) {
        size_t n = size - at;
        const struct weft_piece *tail = down->tail;
        if (tail && tail->cap > tail->end && tail->cap - tail->end < n)
            n = tail->cap - tail->end;
        uint8_t *dst = weft_chain_reserve(down, n);
        if (!dst) {
            tls->no_memory = true;
            return 0;
        }
        memcpy(dst, data + at, n);
        weft_chain_commit(down, n);
        at += n;
    }
    *taken = size;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *weft__tls_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "weft");

    if (method) {
        (void)BIO_meth_set_read_ex(method, bio_read);
        (void)BIO_meth_set_write_ex(method, bio_write);
        (void)BIO_meth_set_ctrl(method, bio_ctrl);
    }
    return method;
}

BIO *weft__tls_bio(const BIO_METHOD *method, struct weft__tls *tls)
{
    BIO *bio = BIO_new(method);

    if (bio) {
        BIO_set_data(bio, tls);
        BIO_set_init(bio, 1);
    }
    return bio;
}
