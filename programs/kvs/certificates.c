/* SPDX-License-Identifier: MIT */
#include "certificates.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/url.h"
#include "programs/lib/exposure.h"

#ifdef WEFT_HAS_TLS

enum { NAMES = 2048, MADE_DAYS = 365, SOON_DAYS = 14 };

static int prepare(void *context, struct kvs_reload *reload, struct weft_error *error)
{
    struct kvs_certificates *certificates = context;
    int err = weft_tls_prepare(&certificates->tls, error);
    if (err == 0 && weft_tls_would_change(&certificates->tls))
        kvs_reload_changes(reload, "certificates");
    return err;
}

static void commit(void *context)
{
    struct kvs_certificates *certificates = context;
    weft_tls_commit(&certificates->tls);
}

static void abandon(void *context)
{
    struct kvs_certificates *certificates = context;
    weft_tls_abandon(&certificates->tls);
}

struct telling {
    void (*line)(void *arg, const char *text, bool alarms);
    void *arg;
};

static void tell_line(void *arg, const char *text, int days)
{
    const struct telling *telling = arg;
    telling->line(telling->arg, text, days < SOON_DAYS);
}

static void tell(void *context, void (*line)(void *arg, const char *text, bool alarms), void *arg)
{
    struct kvs_certificates *certificates = context;
    struct telling telling = {line, arg};
    weft_tls_describe(&certificates->tls, tell_line, &telling);
}

int kvs_certificates_add(struct kvs_certificates *certificates, struct weft_registry *registry,
                         struct kvs_reload *reload)
{
    certificates->reloader = (struct kvs_reloader){.name = "certificate",
                                                   .context = certificates,
                                                   .prepare = prepare,
                                                   .commit = commit,
                                                   .abandon = abandon,
                                                   .tell = tell};
    kvs_reload_add(reload, &certificates->reloader);
    return weft_registry_add_filter(registry, &weft_filter_tls, &certificates->tls);
}

void kvs_certificates_count(struct kvs_certificates *certificates,
                            struct weft_collectors *collectors)
{
    certificates->collector =
        (struct weft_collector){.collect = weft_tls_collect, .context = &certificates->tls};
    weft_collectors_add(collectors, &certificates->collector);
}

/* Writes the hosts of --listen that are not loopback, with commas between. */
static void list_hosts(const struct kvs_config *config, char names[NAMES])
{
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < config->listen_count; i++) {
        struct weft_url url;
        struct weft_error unread;
        if (!cli_is_remote(config->listen[i]) ||
            weft_url_parse(&url, config->listen[i], &unread) < 0 ||
            strcmp(url.host, "0.0.0.0") == 0 || strcmp(url.host, "::") == 0 ||
            used + strlen(url.host) + 2 > NAMES)
            continue;
        used += (size_t)snprintf(names + used, NAMES - used, "%s%s", used > 0 ? "," : "", url.host);
    }
}

int kvs_certificates_make(const struct kvs_config *config, struct weft_error *error)
{
    const char *folder = config->make_certificate;
    char names[NAMES];
    list_hosts(config, names);
    int err = weft_tls_make_certificates(folder, names, "client", MADE_DAYS, error);
    if (err < 0)
        return err;
    printf("made ca.pem, server.pem and client.pem with their keys in %s, for %d days and tests "
           "alone\n"
           "kvs --listen 'tls://127.0.0.1:9527?cert=%s/server.pem&key=%s/server.key'\n"
           "kvc --server 'tls://127.0.0.1:9527?ca=%s/ca.pem'\n",
           folder, MADE_DAYS, folder, folder, folder);
    return fflush(stdout) == 0
               ? 0
               : weft_error_set(error, -EIO, "standard output: %s", weft_strerror(-EIO));
}

#else

int kvs_certificates_add(struct kvs_certificates *certificates, struct weft_registry *registry,
                         struct kvs_reload *reload)
{
    (void)certificates, (void)registry, (void)reload;
    return 0;
}

void kvs_certificates_count(struct kvs_certificates *certificates,
                            struct weft_collectors *collectors)
{
    (void)certificates, (void)collectors;
}

int kvs_certificates_make(const struct kvs_config *config, struct weft_error *error)
{
    (void)config;
    return weft_error_set(error, WEFT_ECONFIG, "--make-certificate: built without OpenSSL");
}

#endif
