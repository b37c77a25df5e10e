/* SPDX-License-Identifier: MIT
 *
 * The certificates of kvs: the filter tls, their reload, and those that are made for tests. A build without
 * OpenSSL has none of it. */
#ifndef KVS_CERTIFICATES_H
#define KVS_CERTIFICATES_H

#include "core/base/samples.h"
#include "core/registry.h"
#include "options.h"
#include "reload.h"
#ifdef WEFT_HAS_TLS
#include "transports/tls/tls.h"
#endif

/* Zeroed before its first use; it outlives the server. */
struct kvs_certificates {
#ifdef WEFT_HAS_TLS
    struct weft_tls tls;
#endif
    struct kvs_reloader reloader;
    struct weft_collector collector;
};

/* Adds the filter to the registry and the reloader to the list. */
WEFT_MUST_USE int kvs_certificates_add(struct kvs_certificates *certificates,
                                       struct weft_registry *registry, struct kvs_reload *reload);

/* Adds the collector of handshakes, which ends with the list. */
void kvs_certificates_count(struct kvs_certificates *certificates,
                            struct weft_collectors *collectors);

/* Does what --make-certificate asks for, and prints what it made and how to use it. The server's certificate is also
 * for the hosts of --listen. */
WEFT_MUST_USE int kvs_certificates_make(const struct kvs_config *config, struct weft_error *error);

#endif
