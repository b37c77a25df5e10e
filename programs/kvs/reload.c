/* SPDX-License-Identifier: MIT */
#include "reload.h"

#include <stdio.h>
#include <string.h>

void kvs_reload_add(struct kvs_reload *reload, struct kvs_reloader *reloader)
{
    struct kvs_reloader **at = &reload->first;
    while (*at)
        at = &(*at)->next;
    reloader->next = NULL;
    *at = reloader;
}

void kvs_reload_remove(struct kvs_reload *reload, struct kvs_reloader *reloader)
{
    for (struct kvs_reloader **at = &reload->first; *at; at = &(*at)->next) {
        if (*at == reloader) {
            *at = reloader->next;
            return;
        }
    }
}

static bool is_noted(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; *at; at += strcspn(at, ","), at += *at == ',') {
        if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
            return true;
    }
    return false;
}

static void note(char *names, const char *name)
{
    static const char rest[] = "...";
    size_t used = strlen(names), length = strlen(name);
    if (is_noted(names, name) || is_noted(names, rest))
        return;
    /* Room for the dots of the next name is kept free. */
    if (used + 1 + length + 1 + sizeof rest > KVS_RELOAD_NAMES)
        name = rest;
    snprintf(names + used, KVS_RELOAD_NAMES - used, "%s%s", used > 0 ? "," : "", name);
}

void kvs_reload_changes(struct kvs_reload *reload, const char *name)
{
    note(reload->changed, name);
}

void kvs_reload_needs_restart(struct kvs_reload *reload, const char *name)
{
    note(reload->restart, name);
}

void kvs_reload_endpoint(struct kvs_reload *reload, enum weft_endpoint_change kind,
                         const char *name)
{
    note(reload->endpoints[kind], name);
}

const char *kvs_reload_endpoints(const struct kvs_reload *reload, const char *quote,
                                 char dst[KVS_RELOAD_WORDS])
{
    static const char *const words[] = {[WEFT_ENDPOINT_ADDED] = "added",
                                        [WEFT_ENDPOINT_REMOVED] = "removed",
                                        [WEFT_ENDPOINT_CHANGED] = "replaced"};
    size_t used = 0;
    dst[0] = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (*reload->endpoints[i])
            used += (size_t)snprintf(dst + used, KVS_RELOAD_WORDS - used, " %s=%s%s%s", words[i],
                                     quote, reload->endpoints[i], quote);
    return dst;
}

static void abandon_until(const struct kvs_reload *reload, const struct kvs_reloader *failed)
{
    for (struct kvs_reloader *at = reload->first; at != failed; at = at->next)
        at->abandon(at->context);
}

struct logging {
    const struct weft_log *log;
    const char *name;
};

static void log_line(void *arg, const char *text, bool alarms)
{
    const struct logging *logging = arg;
    weft_log_write(logging->log, alarms ? WEFT_LOG_WARN : WEFT_LOG_INFO, logging->name, "%s", text);
}

void kvs_reload_log(const struct kvs_reload *reload, const struct weft_log *log)
{
    for (const struct kvs_reloader *at = reload->first; at; at = at->next) {
        struct logging logging = {log, at->name};
        if (at->tell)
            at->tell(at->context, log_line, &logging);
    }
}

struct printing {
    FILE *out;
    const char *name;
};

static void print_line(void *arg, const char *text, bool alarms)
{
    const struct printing *printing = arg;
    (void)alarms;
    fprintf(printing->out, "%s %s\n", printing->name, text);
}

void kvs_reload_print(const struct kvs_reload *reload, FILE *out)
{
    for (const struct kvs_reloader *at = reload->first; at; at = at->next) {
        struct printing printing = {out, at->name};
        if (at->tell)
            at->tell(at->context, print_line, &printing);
    }
}

int kvs_reload_run(struct kvs_reload *reload, const struct weft_log *log, const char *asked,
                   struct weft_error *error)
{
    char endpoints[KVS_RELOAD_WORDS];
    *reload->changed = *reload->restart = '\0';
    memset(reload->endpoints, 0, sizeof reload->endpoints);
    for (struct kvs_reloader *at = reload->first; at; at = at->next) {
        struct weft_error refused = {0};
        int err = at->prepare(at->context, reload, &refused);
        if (err >= 0)
            continue;
        char cause[WEFT_LOG_QUOTE_TEXT * 4];
        abandon_until(reload, at);
        snprintf(cause, sizeof cause, "%s", refused.text);
        for (char *quote = cause; (quote = strchr(quote, '"')) != NULL;)
            *quote = '\'';
        weft_log_write(log, WEFT_LOG_ERROR, "reload-failed",
                       "asked=%s part=%s cause=\"%s\" changed=nothing", asked, at->name, cause);
        return weft_error_set(error, err, "%s: %s", at->name, refused.text);
    }
    for (struct kvs_reloader *at = reload->first; at; at = at->next)
        at->commit(at->context);
    weft_log_write(log, WEFT_LOG_INFO, "reload", "asked=%s changed=\"%s\"%s", asked,
                   *reload->changed ? reload->changed : "nothing",
                   kvs_reload_endpoints(reload, "\"", endpoints));
    if (*reload->changed)
        kvs_reload_log(reload, log);
    if (*reload->restart)
        weft_log_write(log, WEFT_LOG_WARN, "reload-restart", "settings=\"%s\"", reload->restart);
    return 0;
}
