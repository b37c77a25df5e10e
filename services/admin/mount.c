/* SPDX-License-Identifier: MIT */
#include "private.h"

void weft_admin_set_data(struct weft_admin *admin, const struct weft_service *data, void *context)
{
    struct weft_service *service = &admin->service;
    *service = weft_admin_service;
    admin->data = data;
    admin->data_context = context;
    service->config_size = admin_offset_behind(service->config_size) + data->config_size;
    service->loop_size = admin_offset_behind(service->loop_size) + data->loop_size;
    service->conn_size = data->conn_size;
}
