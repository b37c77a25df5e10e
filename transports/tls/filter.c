/* SPDX-License-Identifier: MIT
 *
 * The filter's slots. */
#include <errno.h>
#include <string.h>

#include <openssl/err.h>

#include "bio.h"
#include "core/base/mem.h"
#include "core/peer.h"
#include "state.h"
#include "who.h"
#include "words.h"

enum { HANDSHAKE_MAX = 64 * 1024 }; /* bytes that a peer may send before it is over */

struct config {
    struct weft__tls_place *place;
};

static int tls_configure(void *memory, void *context, const struct weft_url *url,
                         enum weft_role role, const struct weft_codec *const *codecs,
                         struct weft_error *error)
{
    struct config *config = memory;
    struct weft__tls_options options;
    int err = weft__tls_options_read(&options, url, role, codecs, error);

    return err < 0 ? err : weft__tls_place_new(&config->place, context, &options, error);
}

static void tls_release(void *memory)
{
    struct config *config = memory;

    weft__tls_place_free(config->place);
}

static void tls_fini(void *state)
{
    struct weft__tls *tls = state;

    SSL_free(tls->ssl);
    ERR_clear_error();
    weft__tls_set_unref(tls->set);
    weft__tls_who_free(tls->who);
    weft_buf_fini(&tls->first);
    weft_free(tls->words);
}

/* Sets what a client says in its first message. */
static bool set_client(struct weft__tls *tls)
{
    const char *name = tls->place->options.name;

    SSL_set_connect_state(tls->ssl);
    weft__tls_place_resume(tls->place, tls->ssl);
    /* Not by OpenSSL's macro, whose cast clang warns of. */
    return name[0] == '\0' || weft__tls_is_address(name) ||
           SSL_ctrl(tls->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                    (void *)(uintptr_t)name);
}

/* Makes OpenSSL's part. Returns 0 or -ENOMEM, and then tls_fini is still to be called. */
static int begin(struct weft__tls *tls)
{
    enum weft_role role = tls->place->options.role;

    tls->set = weft__tls_place_set(tls->place);
    tls->ssl = SSL_new(tls->set->pairs[0].ctx);
    BIO *bio = tls->ssl ? weft__tls_bio(tls->place->method, tls) : NULL;
    if (bio) {
        SSL_set_bio(tls->ssl, bio, bio);
        bool known = SSL_set_app_data(tls->ssl, tls);
        if (role == WEFT_SERVER)
            SSL_set_accept_state(tls->ssl);
        if (known && (role == WEFT_SERVER || set_client(tls)))
            return 0;
    }
    ERR_clear_error();
    return -ENOMEM;
}

static int tls_init(void *state, const void *config, enum weft_role role)
{
    struct weft__tls *tls = state;

    tls->place = ((const struct config *)config)->place;
    if (role == WEFT_SERVER || begin(tls) == 0)
        return 0;
    tls_fini(state);
    return -ENOMEM;
}

/* True if the bytes begin with a whole record, or cannot become one that is worth waiting for. */
static bool is_whole(struct weft_view in)
{
    enum { HEADER = 5, HANDSHAKE = 22, MOST = 16 * 1024 };

    if (in.size == 0 || in.data[0] != HANDSHAKE)
        return in.size > 0;
    size_t size = in.size < HEADER ? 0 : (size_t)in.data[3] << 8 | in.data[4];
    return in.size >= HEADER && (size > MOST || in.size >= HEADER + size);
}

/* Keeps the bytes of a server's first record until it is whole, so that a peer that says less costs nothing of
 * OpenSSL's. Returns 1 when it is time to begin, 0 if more is needed, or -ENOMEM. */
static int collect_first(struct weft__tls *tls, struct weft_filter_io *io)
{
    if (weft_buf_size(&tls->first) == 0 && (is_whole(io->in) || io->eof))
        return 1;
    if (io->in.size > 0 && weft_buf_append(&tls->first, io->in) < 0)
        return -ENOMEM;
    io->in = weft_view_skip(io->in, io->in.size);
    return io->eof || is_whole(weft_buf_view(&tls->first));
}

static void count(atomic_ullong *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Notes what open will answer from now on. */
static void end(struct weft__tls *tls, ssize_t result)
{
    tls->has_end = true;
    tls->end = result;
    tls->io->in = weft_view_skip(tls->io->in, tls->io->in.size);
    if (!tls->is_open && tls->taken > 0)
        count(&tls->place->failed);
}

static void end_with_error(struct weft__tls *tls)
{
    bool no_memory = tls->no_memory || ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;

    tls->failed = true;
    if (!no_memory)
        weft__tls_say_error(tls);
    ERR_clear_error();
    end(tls, no_memory ? -ENOMEM : -EPROTO);
}

/* Returns what the peer's end means while the handshake goes on. */
static ssize_t cut_handshake(struct weft__tls *tls)
{
    if (tls->place->options.role == WEFT_CLIENT) /* as if the transport had said so */
        return -ECONNRESET;
    weft__tls_say(tls, "the client ended inside the handshake");
    return -EPROTO;
}

/* Finds out why a call of OpenSSL gave nothing: it needs more input, or it is the end. */
static void settle(struct weft__tls *tls)
{
    const struct weft_filter_io *io = tls->io;
    bool is_end = SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN;

    if (tls->broke_rule)
        end(tls, -EPROTO);
    else if (tls->no_memory || ERR_peek_error() != 0 || !(is_end || SSL_want_read(tls->ssl)))
        end_with_error(tls);
    else if (is_end)
        end(tls, tls->is_open ? 0 : cut_handshake(tls));
    else if (!tls->is_open && tls->taken > HANDSHAKE_MAX) {
        weft__tls_say(tls, "the handshake has more than 64 KiB");
        tls->failed = true;
        end(tls, -EPROTO);
    } else if (io->eof && io->in.size == 0 && !tls->is_open)
        end(tls, cut_handshake(tls));
    else if (io->eof && io->in.size == 0) {
        weft__tls_say(tls, "the connection ended without close_notify");
        end(tls, WEFT_ETRUNCATED);
    }
}

static void shake(struct weft__tls *tls)
{
    if (SSL_do_handshake(tls->ssl) != 1) {
        settle(tls);
        return;
    }
    tls->is_open = true;
    count(&tls->place->handshakes);
    if (SSL_session_reused(tls->ssl))
        count(&tls->place->resumed);
}

/* True if another call of SSL_read would only say that it needs more. It would take and free a buffer for that. */
static bool is_dry(const struct weft__tls *tls)
{
    return tls->io->in.size == 0 && !tls->io->eof && weft_buf_size(&tls->first) == 0 &&
           !SSL_has_pending(tls->ssl);
}

static ssize_t tls_open(void *state, uint8_t *dst, size_t size, struct weft_filter_io *io)
{
    struct weft__tls *tls = state;
    size_t have = 0, n;

    tls->io = io;
    if (!tls->ssl) {
        if (io->eof && io->in.size == 0 && weft_buf_size(&tls->first) == 0)
            return 0; /* somebody only looked if anybody listens */
        int whole = collect_first(tls, io);
        if (whole <= 0)
            return whole < 0 ? whole : -EAGAIN;
        if (begin(tls) < 0)
            return -ENOMEM;
    }
    if (ERR_peek_error() != 0) /* left behind by others of this thread */
        ERR_clear_error();
    if (!tls->is_open && !tls->has_end)
        shake(tls);
    while (tls->is_open && have < size && !tls->has_end) {
        if (have > 0 && is_dry(tls))
            break;
        if (SSL_read_ex(tls->ssl, dst + have, size - have, &n)) {
            have += n;
            tls->key_updates = 0;
            continue;
        }
        settle(tls);
        if (!tls->has_end)
            break;
    }
    io->open = tls->is_open;
    io->more =
        have > 0 && (tls->has_end || SSL_pending(tls->ssl) > 0 || weft_buf_size(&tls->first) > 0);
    return have > 0 ? (ssize_t)have : tls->has_end ? tls->end : -EAGAIN;
}

static int tls_seal(void *state, struct weft_view plain, struct weft_filter_io *io)
{
    struct weft__tls *tls = state;
    struct weft_chain_mark mark = weft_chain_mark(io->down);
    size_t n;

    if (tls->failed) /* nothing may follow an alert */
        return 0;
    tls->io = io;
    if (SSL_write_ex(tls->ssl, plain.data, plain.size, &n))
        return 0;
    weft_chain_rollback(io->down, mark);
    tls->failed = true;
    ERR_clear_error();
    return tls->no_memory ? -ENOMEM : -EIO;
}

static int tls_finish(void *state, struct weft_filter_io *io)
{
    struct weft__tls *tls = state;

    if (!tls->is_open || tls->failed)
        return 0;
    tls->io = io;
    (void)SSL_shutdown(tls->ssl); /* 0: the peer's close_notify has not come yet */
    ERR_clear_error();
    return tls->no_memory ? -ENOMEM : 0;
}

static void tls_identify(void *state, struct weft_peer *peer)
{
    struct weft__tls *tls = state;

    if (!tls->is_open)
        return;
    if (!tls->who)
        tls->who = weft__tls_who_new(tls->ssl);
    if (tls->who)
        weft__tls_who_tell(tls->who, peer);
    peer->protocol = weft__tls_protocol(tls->ssl, &tls->place->options);
}

static const char *tls_protocol(void *state)
{
    struct weft__tls *tls = state;

    return tls->ssl ? weft__tls_protocol(tls->ssl, &tls->place->options) : NULL;
}

static const char *tls_trouble(const void *state)
{
    const struct weft__tls *tls = state;

    return tls->words ? tls->words : tls->why;
}

const struct weft_filter weft_filter_tls = {
    .name = "tls",
    .options = weft__tls_option_table,
    .config_size = sizeof(struct config),
    .state_size = sizeof(struct weft__tls),
    .configure = tls_configure,
    .release = tls_release,
    .init = tls_init,
    .fini = tls_fini,
    .open = tls_open,
    .seal = tls_seal,
    .finish = tls_finish,
    .identify = tls_identify,
    .protocol = tls_protocol,
    .trouble = tls_trouble,
};
