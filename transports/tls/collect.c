/* SPDX-License-Identifier: MIT
 *
 * Collects the counts of handshakes, and when certificates expire. */
#include <string.h>
#include <time.h>

#include "place.h"

struct weft_tls_counts weft_tls_count(struct weft_tls *tls)
{
    weft__tls_lock(tls);
    struct weft_tls_counts counts = tls->gone;
    for (const struct weft__tls_place *place = tls->places; place; place = place->next)
        weft__tls_add_counts(&counts, place);
    weft__tls_unlock(tls);
    return counts;
}

/* True if a place before `last`, or a certificate of `last` before the one with index `end`, has this file. */
static bool was_told(const struct weft_tls *tls, const struct weft__tls_place *last, size_t end,
                     const char *file)
{
    char other[WEFT_URL_MAX];

    for (const struct weft__tls_place *place = tls->places;; place = place->next) {
        size_t count = place == last ? end : place->options.pairs;
        for (size_t i = 0; i < count; i++)
            if (weft__tls_item(place->options.cert, i, other) && strcmp(other, file) == 0)
                return true;
        if (place == last)
            return false;
    }
}

static void tell_expiry(struct weft_samples *samples, const char *file, const SSL_CTX *ctx)
{
    static const struct weft_metric expiry = {"weft_tls_certificate_expiry_seconds", "seconds",
                                              "When the certificate in use expires, in seconds "
                                              "since 1970",
                                              WEFT_GAUGE};
    const struct weft_label label = {"file", file};
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(ctx)), &tm) == 1)
        weft_samples_add(samples, &expiry, &label, 1, (double)timegm(&tm));
}

/* Endpoints that name one file have read it at once, so it is told once. */
static void tell_certificates(const struct weft_tls *tls, struct weft_samples *samples)
{
    char file[WEFT_URL_MAX];

    for (struct weft__tls_place *place = tls->places; place; place = place->next) {
        struct weft__tls_set *set = weft__tls_place_set(place);
        for (size_t i = 0; i < place->options.pairs; i++)
            if (weft__tls_item(place->options.cert, i, file) && !was_told(tls, place, i, file))
                tell_expiry(samples, file, set->pairs[i].ctx);
        weft__tls_set_unref(set);
    }
}

void weft_tls_collect(void *context, struct weft_samples *samples)
{
    static const struct weft_metric handshakes = {"weft_tls_handshakes", NULL,
                                                  "Handshakes of TLS that succeeded", WEFT_COUNTER},
                                    resumed = {"weft_tls_resumptions", NULL,
                                               "Handshakes of TLS that resumed an earlier session",
                                               WEFT_COUNTER},
                                    failed = {"weft_tls_failures", NULL,
                                              "Handshakes of TLS that were begun and failed",
                                              WEFT_COUNTER};
    const struct weft_tls_counts counts = weft_tls_count(context);

    weft_samples_add(samples, &handshakes, NULL, 0, (double)counts.handshakes);
    weft_samples_add(samples, &resumed, NULL, 0, (double)counts.resumed);
    weft_samples_add(samples, &failed, NULL, 0, (double)counts.failed);
    weft__tls_lock(context);
    tell_certificates(context, samples);
    weft__tls_unlock(context);
}
