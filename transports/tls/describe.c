/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "place.h"

enum { LINE = 2560, NAMES = 512 };

/* Returns the days until a time, rounded towards today. */
static int days_until(const ASN1_TIME *end)
{
    int days = 0, seconds = 0;

    (void)ASN1_TIME_diff(&days, &seconds, NULL, end);
    return days < 0 || seconds < 0 ? days - 1 : days;
}

static const char *on_disk(const struct weft__tls_place *place, size_t i)
{
    uint8_t digest[WEFT__TLS_DIGEST];

    if (weft__tls_pair_digest(&place->options, i, digest) < 0)
        return "unreadable";
    return memcmp(digest, place->set->pairs[i].digest, sizeof digest) == 0 ? "same" : "differs";
}

void weft_tls_describe(const struct weft_tls *tls,
                       void (*line)(void *arg, const char *text, int days), void *arg)
{
    char text[LINE], file[WEFT_URL_MAX], subject[NAMES], names[NAMES], end[WEFT__TLS_TIME];

    for (const struct weft__tls_place *place = tls->places; place; place = place->next)
        for (size_t i = 0; i < place->options.pairs; i++) {
            const X509 *cert = SSL_CTX_get0_certificate(place->set->pairs[i].ctx);
            int days = days_until(X509_get0_notAfter(cert));
            (void)weft__tls_item(place->options.cert, i, file);
            (void)weft__tls_subject(X509_get_subject_name(cert), subject, sizeof subject);
            (void)weft__tls_alternative_names(cert, ",", names, sizeof names);
            (void)snprintf(text, sizeof text,
                           "file=%s subject=\"%s\" names=\"%s\" until=%s days-left=%d on-disk=%s",
                           file, subject, names, weft__tls_time(X509_get0_notAfter(cert), end),
                           days, on_disk(place, i));
            line(arg, text, days);
        }
}
