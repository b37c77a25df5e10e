/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include "endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

/* State of one URL. */
struct planner {
    struct weft__plan *plan;
    const struct weft_server_options *options;
    const char *url;
    const char *service; /* what the URL or the default names */
    size_t first;        /* index of the first endpoint at the address */
    bool is_auto;
    struct weft_error *error;
};

static bool is_planned(const struct planner *planner, const struct weft_codec *codec)
{
    const struct weft__plan *plan = planner->plan;

    for (size_t i = planner->first; i < plan->count; i++)
        if (plan->items[i].codec == codec)
            return true;
    return false;
}

static int add(struct planner *planner, const struct weft_codec *codec)
{
    struct weft__plan *plan = planner->plan;

    if (is_planned(planner, codec))
        return weft_error_set(planner->error, WEFT_ECONFIG,
                              "codec '%s' in '%s' is at this address already", codec->name,
                              planner->url);
    if (plan->count > planner->first && !codec->probe)
        return weft_error_set(planner->error, WEFT_ECONFIG,
                              "codec '%s' in '%s' does not know its peers by their first bytes, so "
                              "it can only be the first one at an address",
                              codec->name, planner->url);
    plan->items[plan->count++] = (struct weft__planned){
        .url = planner->url,
        .codec = codec,
        .first = planner->first,
        .is_auto = planner->is_auto,
    };
    return 0;
}

static int add_named(struct planner *planner, const char *name)
{
    const struct weft_codec *codec =
        weft_registry_codec(planner->options->registry, name, planner->error);

    return codec ? add(planner, codec) : WEFT_ECONFIG;
}

static int add_list(struct planner *planner, const char *names)
{
    int err = 0;

    while (names && err == 0) {
        const char *end = strchr(names, ',');
        char name[WEFT__NAME_SIZE];

        snprintf(name, sizeof name, "%.*s", (int)(end ? (size_t)(end - names) : strlen(names)),
                 names);
        err = add_named(planner, name);
        names = end ? end + 1 : NULL;
    }
    return err;
}

/* True if the service has a face for what the codec carries. */
static bool is_served(const struct planner *planner, const struct weft_codec *codec)
{
    struct weft_error unread;
    void *context;

    return weft_registry_service(planner->options->registry, planner->service, codec->speaks,
                                 &context, &unread) != NULL;
}

/* Adds the default codec, if the address has none yet, and then every codec that knows its peers and that
 * the service has a face for. */
static int add_every(struct planner *planner)
{
    const struct weft_registry *registry = planner->options->registry;
    size_t before = planner->plan->count;
    bool has_default = planner->options->codec && !weft__codecs_of_auto(planner->options->codec);
    int err = 0;

    if (before == planner->first && has_default)
        err = add_named(planner, planner->options->codec);
    for (size_t i = 0; err == 0 && i < WEFT_REGISTRY_MAX && registry->codecs[i]; i++) {
        const struct weft_codec *codec = registry->codecs[i];
        if (codec->probe && is_served(planner, codec) && !is_planned(planner, codec))
            err = add(planner, codec);
    }
    if (err == 0 && planner->plan->count == before)
        err = weft_error_set(planner->error, WEFT_ECONFIG,
                             "'%s' adds no codec: none is left that knows its peers by their first "
                             "bytes and that service '%s' has a face for",
                             planner->url, planner->service);
    return err;
}

static int parse(struct planner *planner, struct weft_url *url)
{
    if (planner->url[0] != '?')
        return weft_url_parse(url, planner->url, planner->error);
    if (planner->plan->count == 0)
        return weft_error_set(planner->error, WEFT_ECONFIG,
                              "'%s' adds to the endpoint before it, and there is none",
                              planner->url);
    return weft_url_parse_options(url, planner->url, planner->error);
}

/* Returns what the URL names with an option, or the default. NULL: *error has a line. */
static const char *named(const struct planner *planner, const struct weft_url *url,
                         const char *option, const char *fallback)
{
    const struct weft_option_set set = weft_url_option_set(url);
    const char *name = weft_option_get(&set, option);

    if (!name && !fallback)
        weft_error_set(planner->error, WEFT_ECONFIG,
                       "'%s' names no %s, and there is no default: add %s=NAME", planner->url,
                       option, option);
    return name ? name : fallback;
}

static int plan_url(struct planner *planner)
{
    const struct weft_server_options *options = planner->options;
    struct weft__plan *plan = planner->plan;
    struct weft_url url;
    int err = parse(planner, &url);

    if (err < 0)
        return err;
    const char *codec = named(planner, &url, "codec", options->codec);
    planner->service = codec ? named(planner, &url, "service", options->service) : NULL;
    if (!planner->service)
        return WEFT_ECONFIG;
    const char *names = weft__codecs_of_auto(codec);

    planner->first = url.scheme ? plan->count : plan->items[plan->count - 1].first;
    planner->is_auto = names != NULL;
    if (!names)
        return add_named(planner, codec);
    return *names ? add_list(planner, names) : add_every(planner);
}

int weft__plan_make(struct weft__plan *plan, const struct weft_server_options *options,
                    struct weft_error *error)
{
    size_t most = options->url_count * WEFT_REGISTRY_MAX; /* no address has a codec twice */
    int err = 0;

    *plan = (struct weft__plan){.items = weft_calloc(most, sizeof *plan->items)};
    if (!plan->items)
        return weft_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < options->url_count && err == 0; i++) {
        struct planner planner = {
            .plan = plan, .options = options, .url = options->urls[i], .error = error};
        err = plan_url(&planner);
    }
    if (err < 0)
        weft__plan_free(plan);
    return err;
}

void weft__plan_free(struct weft__plan *plan)
{
    weft_free(plan->items);
    *plan = (struct weft__plan){.items = NULL};
}
