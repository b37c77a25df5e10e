/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "page.h"
#include "websocket.h"

const struct weft_option weft__ws_options[] = {
    {"path", "/PATH", "where the WebSocket is (default /)"},
    {"origin", "ORIGIN,...|*", "pages of these origins may connect; a client says it is of one"},
    {"page", "FILE,...", "served to browsers; the first one at /"},
    {"host", "NAME", "what a client calls the server"},
    {NULL, NULL, NULL},
};

/* Copies an option that goes into a line of HTTP. Returns false if it does not fit or has a byte that would break
 * the line. */
static bool copy_word(char *dst, size_t size, const char *value)
{
    if (strlen(value) >= size)
        return false;
    for (const char *p = value; *p; p++)
        if (*p <= ' ' || *p == 0x7f)
            return false;
    memcpy(dst, value, strlen(value) + 1);
    return true;
}

static int refuse(struct weft_error *error, const char *name, const char *value, const char *form)
{
    return weft_error_set(error, WEFT_ECONFIG, "option %s=%s: %s", name, value, form);
}

/* True if each item of the list is SCHEME://HOST[:PORT] or null, as browsers write it. */
static bool are_origins(const char *list)
{
    while (*list) {
        size_t size = strcspn(list, ",");
        const char *mark = strstr(list, "://");
        bool is_null = size == 4 && memcmp(list, "null", 4) == 0;
        if (!is_null && (!mark || mark == list || mark + 3 >= list + size ||
                         memchr(mark + 3, '/', size - (size_t)(mark + 3 - list))))
            return false;
        list += size + (list[size] == ',');
    }
    return true;
}

static int set_path(struct weft__ws_config *config, const char *path, struct weft_error *error)
{
    if (path[0] != '/' || strpbrk(path, "?#") ||
        !copy_word(config->path, sizeof config->path, path))
        return refuse(error, "path", path, "a path begins with / and has no space, ? or #");
    return 0;
}

static int set_origins(struct weft__ws_config *config, const char *list, enum weft_role role,
                       struct weft_error *error)
{
    bool any = strcmp(list, "*") == 0 && role == WEFT_SERVER;

    if (list[0] == '\0' || (!any && !are_origins(list)) ||
        !copy_word(config->origins, sizeof config->origins, list))
        return refuse(error, "origin", list,
                      "an origin is SCHEME://HOST[:PORT], as in https://app.example");
    return 0;
}

static int set_host(struct weft__ws_config *config, const char *host, const struct weft_url *url,
                    struct weft_error *error)
{
    bool is_ipv6 = url->host && strchr(url->host, ':');

    if (host && !copy_word(config->host, sizeof config->host, host))
        return refuse(error, "host", host, "a host is NAME or NAME:PORT");
    if (!host && url->host)
        snprintf(config->host, sizeof config->host, "%s%.255s%s:%s", is_ipv6 ? "[" : "", url->host,
                 is_ipv6 ? "]" : "", url->port);
    return 0;
}

static int set_protocols(struct weft__ws_config *config, const struct weft_codec *const *codecs,
                         struct weft_error *error)
{
    size_t at = 0;

    for (; *codecs; codecs++) {
        int n = snprintf(config->protocols + at, sizeof config->protocols - 1 - at, "weft.%s",
                         (*codecs)->name);
        if (n < 0 || (size_t)n >= sizeof config->protocols - 1 - at)
            return weft_error_set(error, WEFT_ECONFIG, "too many codecs for one WebSocket");
        at += (size_t)n + 1;
    }
    return 0;
}

static int set_pages(struct weft__ws_config *config, struct weft_websocket *context,
                     const char *value, struct weft_error *error)
{
    struct weft__ws_page *page = context->pages;

    while (page && strcmp(page->value, value) != 0)
        page = page->next;
    if (!page) {
        int err = weft__ws_page_new(&page, value, error);
        if (err < 0)
            return err;
        page->next = context->pages;
        context->pages = page;
    }
    config->pages = page;
    return 0;
}

int weft__ws_configure(struct weft__ws_config *config, struct weft_websocket *context,
                       const struct weft_url *url, enum weft_role role,
                       const struct weft_codec *const *codecs, struct weft_error *error)
{
    const struct weft_option_set set = weft_url_option_set(url);
    const char *path = weft_option_get(&set, "path"), *origin = weft_option_get(&set, "origin");
    const char *page = weft_option_get(&set, "page"), *host = weft_option_get(&set, "host");

    if (path && url->target)
        return refuse(error, "path", path, "the URL has a path already");
    int err = set_path(config, path ? path : url->target ? url->target : "/", error);
    if (err == 0 && origin)
        err = set_origins(config, origin, role, error);
    if (err == 0)
        err = set_host(config, host, url, error);
    if (err == 0)
        err = set_protocols(config, codecs, error);
    if (err < 0)
        return err;
    if (page && role == WEFT_CLIENT)
        return refuse(error, "page", page, "only a server has pages");
    return page && context ? set_pages(config, context, page, error) : 0;
}
