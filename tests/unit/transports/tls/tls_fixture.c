/* SPDX-License-Identifier: MIT */
#include "tls_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "certificates.h"
#include "lib/feed.h"
#include "lib/scratch.h"

static const struct weft_filter *const filter = &weft_filter_tls;

char tls_folder[128];

int tls_group_setup(void **state)
{
    (void)state;
    scratch_make(tls_folder, sizeof tls_folder);
    certificates_make(tls_folder);
    return 0;
}

int tls_group_teardown(void **state)
{
    (void)state;
    scratch_remove(tls_folder);
    return 0;
}

/* The fixture's own memory is never weft_malloc's, so that failing allocations are the filter's. */
static void *zeroed(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

static void expand(char *dst, size_t size, const char *query)
{
    size_t used = 0;
    for (; *query; query++)
        used += (size_t)(*query == '@' ? snprintf(dst + used, size - used, "%s/", tls_folder)
                                       : snprintf(dst + used, size - used, "%c", *query));
    assert_true(used < size);
}

int tls_end_init(struct tls_end *end, struct weft_tls *context, enum weft_role role,
                 const char *query, const struct weft_codec *const *codecs,
                 struct weft_error *error)
{
    static const struct weft_codec *const none[] = {NULL};
    struct weft_url url = {.scheme = "tls"};

    memset(end, 0, sizeof *end);
    expand(url.text, sizeof url.text, query);
    url.option_count = feed_parse_query(url.text, url.options, WEFT_URL_OPTIONS);
    end->role = role;
    end->config = zeroed(filter->config_size);
    int err = filter->configure(end->config, context, &url, role, codecs ? codecs : none, error);
    if (err < 0) {
        free(end->config);
        return err;
    }
    end->state = zeroed(filter->state_size);
    weft_chain_init(&end->down, NULL);
    err = filter->init(end->state, end->config, role);
    if (err < 0) {
        filter->release(end->config);
        free(end->state);
        free(end->config);
    }
    return err;
}

void tls_end_again(struct tls_end *end, const struct tls_end *of)
{
    memset(end, 0, sizeof *end);
    end->role = of->role;
    end->state = zeroed(filter->state_size);
    weft_chain_init(&end->down, NULL);
    assert_int_equal(filter->init(end->state, of->config, of->role), 0);
}

void tls_end_hang_up(struct tls_end *end)
{
    filter->fini(end->state);
    weft_chain_fini(&end->down);
    free(end->got.data);
    free(end->state);
}

void tls_end_fini(struct tls_end *end)
{
    tls_end_hang_up(end);
    filter->release(end->config);
    free(end->config);
}

static void keep(struct weft_buf *buf, const uint8_t *bytes, size_t size)
{
    if (buf->cap < buf->end + size + 1) {
        buf->cap = 2 * (buf->end + size + 1);
        buf->data = realloc(buf->data, buf->cap);
        if (!buf->data)
            abort();
    }
    memcpy(buf->data + buf->end, bytes, size);
    buf->end += size;
    buf->data[buf->end] = '\0';
}

static ssize_t open_on(struct tls_end *end, struct weft_view in, bool eof)
{
    struct weft_filter_io io = {.in = in, .eof = eof, .down = &end->down};
    bool asks = true;

    /* While the handshake goes on nobody reads. */
    while (asks && !end->is_over) {
        size_t room = !end->is_open ? 0 : end->room ? end->room : in.size + 16;
        uint8_t *dst = room > 0 ? zeroed(room) : NULL;
        bool was_open = end->is_open;
        io.more = false;
        end->result = filter->open(end->state, dst, room, &io);
        end->is_open = io.open;
        if (end->result > 0) {
            assert_true((size_t)end->result <= room);
            keep(&end->got, dst, (size_t)end->result);
        }
        free(dst);
        end->is_over = end->result <= 0 && end->result != -EAGAIN;
        asks = io.more || end->result > 0 || (!was_open && end->is_open);
    }
    /* -EAGAIN promises that all of the input was taken. */
    if (end->result == -EAGAIN)
        assert_int_equal(io.in.size, 0);
    return end->result;
}

ssize_t tls_end_feed(struct tls_end *end, const void *bytes, size_t size)
{
    uint8_t *exact = zeroed(size ? size : 1);
    if (size > 0)
        memcpy(exact, bytes, size);
    ssize_t result = open_on(end, weft_view(exact, size), false);
    free(exact);
    return result;
}

ssize_t tls_end_eof(struct tls_end *end)
{
    return open_on(end, weft_view(NULL, 0), true);
}

int tls_end_seal(struct tls_end *end, const void *bytes, size_t size)
{
    struct weft_filter_io io = {.down = &end->down};
    return filter->seal(end->state, weft_view(bytes, size), &io);
}

int tls_end_finish(struct tls_end *end)
{
    struct weft_filter_io io = {.down = &end->down};
    return filter->finish(end->state, &io);
}

const char *tls_end_trouble(const struct tls_end *end)
{
    const char *trouble = filter->trouble(end->state);
    return trouble ? trouble : "";
}

struct weft_peer tls_end_peer(const struct tls_end *end)
{
    struct weft_peer peer = {0};
    filter->identify(end->state, &peer);
    return peer;
}

uint8_t *tls_end_take(struct tls_end *end, size_t *size)
{
    uint8_t *copy = zeroed(end->down.bytes + 1);
    struct iovec vec[64];
    size_t at = 0;

    while (end->down.bytes > 0) {
        int count = weft_chain_peek(&end->down, vec, 64);
        size_t n = 0;
        for (int i = 0; i < count; i++) {
            memcpy(copy + at + n, vec[i].iov_base, vec[i].iov_len);
            n += vec[i].iov_len;
        }
        weft_chain_consume(&end->down, n);
        at += n;
    }
    if (size)
        *size = at;
    return copy;
}

static bool carry(struct tls_end *from, struct tls_end *to, size_t piece)
{
    size_t size;
    uint8_t *bytes = tls_end_take(from, &size);

    for (size_t at = 0; at < size; at += piece)
        (void)tls_end_feed(to, bytes + at, size - at < piece ? size - at : piece);
    free(bytes);
    return size > 0;
}

void tls_talk(struct tls_end *client, struct tls_end *server, size_t piece)
{
    if (!client->is_open)
        (void)tls_end_feed(client, NULL, 0);
    for (bool go_on = true; go_on;) {
        go_on = carry(client, server, piece);
        go_on |= carry(server, client, piece);
    }
}
