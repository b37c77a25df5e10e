/* SPDX-License-Identifier: MIT */
#include "beside.h"

#include <errno.h>

#include "core/base/mem.h"

/* Returns zeroed memory for a state, which may have no size. */
static void *make_state(size_t size)
{
    return weft_calloc(1, size > 0 ? size : 1);
}

static int configure(const struct kv_beside *self, const struct kv_session_config *config)
{
    static const struct weft_option_set none = {NULL, 0};
    struct weft_error error;
    return self->service->configure
               ? self->service->configure(self->config, config->context->beside_context, &none,
                                          config->limits, &error)
               : 0;
}

int kv__beside_start(struct kv_beside *self, const struct kv_session_config *config,
                     struct weft_loop *loop)
{
    const struct weft_service *service = config->context->beside;
    *self = (struct kv_beside){.service = service};
    if (!service)
        return 0;
    int err = -ENOMEM;
    self->config = make_state(service->config_size);
    self->state = make_state(service->loop_size);
    if (self->config && self->state)
        err = configure(self, config);
    if (err == 0 && service->start)
        err = service->start(self->state, self->config, loop);
    if (err == 0)
        return 0;
    weft_free(self->state);
    weft_free(self->config);
    *self = (struct kv_beside){.service = NULL};
    return err;
}

void kv__beside_stop(struct kv_beside *self)
{
    if (self->service && self->service->stop)
        self->service->stop(self->state);
    weft_free(self->state);
    weft_free(self->config);
}
