/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <string.h>

#include "config.h"

/* True if a reload can change the option. */
static bool is_live(const struct kvs_settings *settings, const struct cli_option *option)
{
    if (strcmp(option->name, "log-level") == 0 || strcmp(option->name, "listen") == 0)
        return true;
    if (strcmp(option->name, "slowlog") == 0)
        return settings->slow_log && settings->next.slow_log > 0;
    if (!option->limit || !weft_server_limit_is_live(option->name))
        return false;
    /* The loops have room for as many descriptors as the server began with. */
    return option->limit->offset != offsetof(struct weft_limits, max_connections) ||
           settings->next.limits.max_connections <= settings->config->most_connections;
}

/* Keeps a limit as it is, since only a restart can change it. */
static void keep(struct kvs_settings *settings, const struct cli_option *option)
{
    if (!option->limit)
        return;
    size_t at = option->at + option->limit->offset;
    memcpy((char *)&settings->next + at, (const char *)settings->config + at, sizeof(uint64_t));
}

/* Lowers max-connections as it was lowered at the start, if it is the same: that is no change. */
static void lower_connections(struct kvs_settings *settings)
{
    const struct kvs_config *config = settings->config;
    uint64_t *next = &settings->next.limits.max_connections;
    if (*next == config->asked_connections && *next > config->most_connections)
        *next = config->most_connections;
}

static int compare(struct kvs_settings *settings, const struct cli_table *table,
                   struct kvs_reload *reload, struct weft_error *error)
{
    bool limits = false, listen = false;
    lower_connections(settings);
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (kvs_log_has(option) ||
            kvs_config_is_equal(settings->config, &settings->next, table, option))
            continue;
        if (is_live(settings, option)) {
            kvs_reload_changes(reload, option->name);
            limits |= option->limit != NULL;
            listen |= strcmp(option->name, "listen") == 0;
        } else {
            kvs_reload_needs_restart(reload, option->name);
            keep(settings, option);
        }
    }
    settings->change = NULL;
    int err = limits ? weft_server_prepare_limits(settings->server, &settings->next.limits,
                                                  &settings->change, error)
                     : 0;
    if (err == 0 && listen)
        err = kvs_listening_prepare(&settings->listening, &settings->next, reload, error);
    if (err < 0)
        weft_server_abandon_limits(settings->change);
    return err;
}

static int prepare(void *context, struct kvs_reload *reload, struct weft_error *error)
{
    struct kvs_settings *settings = context;
    struct cli_table table;
    kvs_table_init(&table, settings->config->owners);
    int err = kvs_parse_again(&settings->next, settings->config, &table, error);
    if (err < 0)
        return err;
    const struct cli_exposure exposure = kvs_exposure_of(&settings->next);
    err = cli_check_exposure(&exposure, error);
    if (err == 0)
        err = kvs_log_prepare(settings->log, &settings->next, reload, error);
    if (err < 0)
        goto err_after_next;
    err = compare(settings, &table, reload, error);
    if (err == 0)
        return 0;
    kvs_log_abandon(settings->log);

err_after_next:
    kvs_config_free(&settings->next);
    return err;
}

static void warn_exposure(const struct kvs_settings *settings)
{
    const struct cli_exposure exposure = kvs_exposure_of(&settings->next);
    cli_warn_exposure(&exposure, &settings->log->log);
}

static void commit(void *context)
{
    struct kvs_settings *settings = context;
    kvs_log_commit(settings->log);
    weft_log_set_level(&settings->log->log, settings->next.log_level);
    settings->config->log_level = settings->next.log_level;
    if (settings->slow_log && settings->next.slow_log > 0) {
        weft_slow_log_set_threshold(settings->slow_log, settings->next.slow_log);
        settings->config->slow_log = settings->next.slow_log;
    }
    settings->config->limits = settings->next.limits;
    if (settings->change)
        weft_server_commit_limits(settings->server, settings->change);
    if (settings->listening.change)
        warn_exposure(settings);
    kvs_listening_commit(&settings->listening);
    kvs_config_free(&settings->next);
}

static void abandon(void *context)
{
    struct kvs_settings *settings = context;
    kvs_log_abandon(settings->log);
    weft_server_abandon_limits(settings->change);
    kvs_listening_abandon(&settings->listening);
    kvs_config_free(&settings->next);
}

void kvs_settings_init(struct kvs_settings *settings, struct kvs_config *config,
                       struct weft_server *server, const struct kvs_manager *manager,
                       struct kvs_log *log, struct weft_slow_log *slow_log,
                       struct kvs_reload *reload)
{
    *settings = (struct kvs_settings){
        .config = config,
        .server = server,
        .log = log,
        .slow_log = slow_log,
        .listening = {.server = server, .manager = manager, .config = config},
    };
    settings->reloader = (struct kvs_reloader){.name = "settings",
                                               .context = settings,
                                               .prepare = prepare,
                                               .commit = commit,
                                               .abandon = abandon};
    kvs_reload_add(reload, &settings->reloader);
}

void kvs_settings_fini(struct kvs_settings *settings, struct kvs_reload *reload)
{
    kvs_reload_remove(reload, &settings->reloader);
    kvs_listening_fini(&settings->listening);
}
