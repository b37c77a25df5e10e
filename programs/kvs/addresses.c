/* SPDX-License-Identifier: MIT */
#include "addresses.h"

#include <errno.h>

#include "core/base/url.h"

static bool has_host(const char *text)
{
    struct weft_url url;
    struct weft_error unread;
    return !kvs_is_variant(text) && weft_url_parse(&url, text, &unread) == 0 && !url.path;
}

/* Frees the server, and with it the address. */
static int listen_once(struct weft_server *server, struct weft_error *error)
{
    int err = weft_server_listen(server, error);
    weft_server_free(server);
    return err;
}

static int judge(int status, const char *text, FILE *err)
{
    if (status != -EADDRINUSE)
        return status;
    fprintf(err,
            "kvs: %s is in use now: kvs can listen there once whoever does has ended, or passes "
            "the socket on\n",
            text);
    return 0;
}

static int try_listen(const char *text, const struct weft_server_options *options, FILE *err,
                      struct weft_error *error)
{
    struct weft_server_options one = *options;
    struct weft_server *server;
    one.urls = &text;
    one.url_count = 1;
    one.threads = 1;
    one.inheritance = NULL;
    int status = weft_server_new(&server, &one, error);
    return status < 0 ? status : judge(listen_once(server, error), text, err);
}

static int try_admin(const struct kvs_config *config, const struct weft_server_options *options,
                     FILE *err, struct weft_error *error)
{
    struct kvs_admin admin = {0};
    int status = kvs_admin_open(&admin, config, options->registry, NULL, options->log, error);
    if (status == 0)
        status = judge(kvs_admin_listen(&admin, error), config->admin, err);
    kvs_admin_close(&admin);
    return status;
}

int kvs_addresses_try(const struct kvs_config *config, const struct weft_server_options *options,
                      FILE *err, struct weft_error *error)
{
    int status = 0;
    for (size_t i = 0; status == 0 && i < config->listen_count; i++)
        if (has_host(config->listen[i]))
            status = try_listen(config->listen[i], options, err, error);
    if (status == 0 && config->admin && has_host(config->admin))
        status = try_admin(config, options, err, error);
    return status;
}
