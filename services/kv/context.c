/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "service.h"

const struct kv_store *weft_kv_store_find(const struct kv_store *const *stores, const char *name,
                                          struct weft_error *error)
{
    char known[256] = "";
    size_t used = 0;
    for (size_t i = 0; stores[i]; i++) {
        if (strcmp(stores[i]->name, name) == 0)
            return stores[i];
        int n = snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ",
                         stores[i]->name);
        used += (size_t)n < sizeof known - used ? (size_t)n : 0;
    }
    weft_error_set(error, WEFT_ECONFIG, "unknown store '%s'; there are: %s", name, known);
    return NULL;
}

int weft_kv_context_init(struct weft_kv_context *context, const struct kv_store *store,
                         const struct weft_limits *limits, const uint8_t *seed,
                         struct weft_error *error)
{
    struct kv_store_options options = {.limits = limits, .seed = seed};
    *context = (struct weft_kv_context){0};
    void *state = weft_calloc(1, store->store_size);
    if (!state)
        return weft_error_set(error, -ENOMEM, "%s store: no memory", store->name);
    int err = store->init(state, &options, error);
    if (err < 0) {
        weft_free(state);
        return err;
    }
    *context = (struct weft_kv_context){store, state};
    return 0;
}

void weft_kv_context_fini(struct weft_kv_context *context)
{
    if (context->store)
        context->store->fini(context->state);
    weft_free(context->state);
    *context = (struct weft_kv_context){0};
}
