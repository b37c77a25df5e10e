/* SPDX-License-Identifier: MIT
 *
 * A service for /v1/ beside the resources of this one: its states lie behind ours, and it gets the requests for its
 * paths. */
#include "private.h"

static void *loop_of(struct admin_loop *self)
{
    return (char *)self + admin_offset_behind(sizeof *self);
}

int admin_data_configure(struct admin_config *config, const struct weft_limits *limits,
                         struct weft_error *error)
{
    /* This service judges by the origin whose pages may ask, before the other one sees the request. */
    static const struct weft_option_value every_origin = {.name = "cors", .value = "*"};
    const struct weft_option_set set = {.values = &every_origin, .count = 1};
    const struct weft_service *data = config->admin->data;
    return data && data->configure
               ? data->configure((char *)config + admin_offset_behind(sizeof *config),
                                 config->admin->data_context, &set, limits, error)
               : 0;
}

int admin_data_start(struct admin_loop *self)
{
    const struct weft_service *data = self->admin->data;
    const char *config = (const char *)self->config + admin_offset_behind(sizeof *self->config);
    return data && data->start ? data->start(loop_of(self), config, self->loop) : 0;
}

void admin_data_stop(struct admin_loop *self)
{
    const struct weft_service *data = self->admin->data;
    if (data && data->stop)
        data->stop(loop_of(self));
}

int admin_data_open(struct admin_loop *self, void *conn_state)
{
    const struct weft_service *data = self->admin->data;
    return data && data->open ? data->open(conn_state, loop_of(self)) : 0;
}

void admin_data_close(struct admin_loop *self, void *conn_state)
{
    const struct weft_service *data = self->admin->data;
    if (data && data->close)
        data->close(conn_state, loop_of(self));
}

void admin_data_call(struct admin_loop *self, void *conn_state, struct weft_request *request)
{
    self->admin->data->call(loop_of(self), conn_state, request);
}
