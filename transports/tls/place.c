/* SPDX-License-Identifier: MIT */
#include "place.h"

#include <errno.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "core/base/mem.h"
#include "state.h"

/* Keeps a session that the server offers, in place of the one before. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct weft__tls *tls = SSL_get_app_data(ssl);
    struct weft__tls_place *place = tls->place;

    (void)CRYPTO_THREAD_write_lock(place->lock);
    SSL_SESSION *before = place->session;
    place->session = session;
    (void)CRYPTO_THREAD_unlock(place->lock);
    SSL_SESSION_free(before);
    return 1; /* the reference is ours now */
}

static int load(struct weft__tls_place *place, struct weft__tls_set **set, struct weft_error *error)
{
    int err = weft__tls_set_new(set, &place->options, error);

    if (err == 0 && place->options.role == WEFT_CLIENT)
        SSL_CTX_sess_set_new_cb((*set)->pairs[0].ctx, on_session);
    return err;
}

int weft__tls_place_new(struct weft__tls_place **made, struct weft_tls *context,
                        const struct weft__tls_options *options, struct weft_error *error)
{
    struct weft__tls_place *place = weft_calloc(1, sizeof *place);

    if (!place)
        return weft_error_set(error, -ENOMEM, "tls: %s", weft_strerror(-ENOMEM));
    place->options = *options;
    place->lock = CRYPTO_THREAD_lock_new();
    place->method = weft__tls_bio_method();
    int err = place->lock && place->method
                  ? load(place, &place->set, error)
                  : weft_error_set(error, -ENOMEM, "tls: %s", weft_strerror(-ENOMEM));
    if (err < 0) {
        ERR_clear_error();
        weft__tls_place_free(place);
        return err;
    }
    place->context = context;
    if (context) {
        weft__tls_lock(context);
        place->next = context->places;
        context->places = place;
        weft__tls_unlock(context);
    }
    *made = place;
    return 0;
}

/* Takes a place from the list, and keeps its counts. */
static void leave(struct weft_tls *tls, const struct weft__tls_place *place)
{
    struct weft__tls_place **at = &tls->places;

    weft__tls_lock(tls);
    while (*at != place)
        at = &(*at)->next;
    *at = place->next;
    weft__tls_add_counts(&tls->gone, place);
    weft__tls_unlock(tls);
}

void weft__tls_lock(struct weft_tls *tls)
{
    while (atomic_exchange_explicit(&tls->busy, true, memory_order_acquire))
        continue;
}

void weft__tls_unlock(struct weft_tls *tls)
{
    atomic_store_explicit(&tls->busy, false, memory_order_release);
}

void weft__tls_add_counts(struct weft_tls_counts *sum, const struct weft__tls_place *place)
{
    sum->handshakes += atomic_load_explicit(&place->handshakes, memory_order_relaxed);
    sum->resumed += atomic_load_explicit(&place->resumed, memory_order_relaxed);
    sum->failed += atomic_load_explicit(&place->failed, memory_order_relaxed);
}

void weft__tls_place_free(struct weft__tls_place *place)
{
    if (place->context)
        leave(place->context, place);
    weft__tls_set_unref(place->prepared);
    weft__tls_set_unref(place->set);
    SSL_SESSION_free(place->session);
    BIO_meth_free(place->method);
    CRYPTO_THREAD_lock_free(place->lock);
    weft_free(place);
}

struct weft__tls_set *weft__tls_place_set(struct weft__tls_place *place)
{
    (void)CRYPTO_THREAD_read_lock(place->lock);
    struct weft__tls_set *set = place->set;
    weft__tls_set_ref(set);
    (void)CRYPTO_THREAD_unlock(place->lock);
    return set;
}

void weft__tls_place_resume(struct weft__tls_place *place, SSL *ssl)
{
    (void)CRYPTO_THREAD_read_lock(place->lock);
    if (place->session && SSL_SESSION_is_resumable(place->session))
        (void)SSL_set_session(ssl, place->session); /* on failure: a full handshake */
    (void)CRYPTO_THREAD_unlock(place->lock);
}

int weft_tls_prepare(struct weft_tls *tls, struct weft_error *error)
{
    for (struct weft__tls_place *place = tls->places; place; place = place->next) {
        int err = load(place, &place->prepared, error);
        if (err < 0) {
            weft_tls_abandon(tls);
            return err;
        }
    }
    return 0;
}

bool weft_tls_would_change(const struct weft_tls *tls)
{
    for (const struct weft__tls_place *place = tls->places; place; place = place->next)
        if (place->prepared && !weft__tls_set_is_same(place->set, place->prepared))
            return true;
    return false;
}

void weft_tls_commit(struct weft_tls *tls)
{
    for (struct weft__tls_place *place = tls->places; place; place = place->next) {
        if (!place->prepared)
            continue;
        if (weft__tls_set_is_same(place->set, place->prepared)) {
            weft__tls_set_unref(place->prepared);
        } else {
            (void)CRYPTO_THREAD_write_lock(place->lock);
            struct weft__tls_set *before = place->set;
            place->set = place->prepared;
            (void)CRYPTO_THREAD_unlock(place->lock);
            weft__tls_set_unref(before);
        }
        place->prepared = NULL;
    }
}

void weft_tls_abandon(struct weft_tls *tls)
{
    for (struct weft__tls_place *place = tls->places; place; place = place->next) {
        weft__tls_set_unref(place->prepared);
        place->prepared = NULL;
    }
}
