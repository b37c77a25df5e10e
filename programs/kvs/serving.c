/* SPDX-License-Identifier: MIT */
#include "serving.h"

#include <stdio.h>

/* Drains, and at the second time cuts. */
static void drain(struct kvs_serving *serving)
{
    if (!serving->draining) {
        kvs_manager_stopping(&serving->service->manager,
                             weft_server_limits(serving->server)->drain_timeout);
        if (serving->on_drain)
            serving->on_drain(serving->context);
    }
    serving->draining = true;
    weft_server_stop(serving->server);
}

void kvs_serving_drain(struct kvs_serving *serving, const char *asked)
{
    weft_log_write(&serving->log->log, WEFT_LOG_INFO, serving->draining ? "cut" : "drain", "%s",
                   asked);
    drain(serving);
}

void kvs_serving_passed(struct kvs_serving *serving)
{
    if (!serving->draining)
        drain(serving);
}

int kvs_serving_reload(struct kvs_serving *serving, const char *asked, char *dst, size_t size,
                       struct weft_error *error)
{
    const struct kvs_reload *reload = serving->reload;
    char endpoints[KVS_RELOAD_WORDS];
    kvs_manager_reloading(&serving->service->manager);
    int err = kvs_reload_run(serving->reload, &serving->log->log, asked, error);
    kvs_manager_reloaded(&serving->service->manager, err < 0 ? error->text : NULL);
    if (err == 0)
        (void)snprintf(dst, size, "changed=%s%s%s%s",
                       *reload->changed ? reload->changed : "nothing",
                       kvs_reload_endpoints(reload, "", endpoints),
                       *reload->restart ? " restart=" : "", reload->restart);
    return err;
}

int kvs_serving_log_level(struct kvs_serving *serving, const char *level, char *dst, size_t size,
                          struct weft_error *error)
{
    enum weft_log_level parsed;
    if (weft_log_level_parse(level, &parsed) < 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "unknown level '%s'; there are: error, warn, info, debug, trace",
                              level);
    weft_log_set_level(&serving->log->log, parsed);
    serving->config->log_level = parsed;
    weft_log_write(&serving->log->log, WEFT_LOG_WARN, "log-level", "level=%s", level);
    (void)snprintf(dst, size, "log-level=%s", level);
    return 0;
}
