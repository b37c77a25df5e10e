/* SPDX-License-Identifier: MIT */
#include "value.h"

#include "json_read.h"
#include "services/kv/packed.h"

static bool refuse(struct kv_task *task, const char *text)
{
    kv_task_refuse(task, KV_BAD_REQUEST, text, true);
    return false;
}

static bool pack(struct kv_task *task, enum kv_type type, struct weft_view text,
                 struct weft_view *value)
{
    uint8_t *packed =
        weft_arena_alloc(weft_request_arena(task->request), KV_PACKED_HEAD_MAX + text.size);
    if (!packed) {
        kv_task_refuse_no_memory(task);
        return false;
    }
    size_t head = kv_pack_head(packed, type, text.size);
    if (text.size > 0)
        memcpy(packed + head, text.data, text.size);
    *value = weft_view(packed, head + text.size);
    return true;
}

static bool read_json(struct kv_task *task, struct weft_view body, struct weft_view *packed)
{
    struct weft_json json = {.rest = body};
    const char *why = "not JSON";
    int err = kv_json_read_value(&json, weft_json_next(&json), weft_request_arena(task->request),
                                 packed, &why);
    if (err == 0 && weft_json_next(&json) != WEFT_JSON_END) {
        err = WEFT_EMALFORMED;
        why = "more than one value";
    }
    if (err == 0)
        return true;
    if (err == WEFT_EMALFORMED)
        return refuse(task, why);
    kv_task_refuse_no_memory(task);
    return false;
}

bool kv_http_read_value(struct kv_task *task, const struct kv_http_route *route,
                        struct weft_view *packed)
{
    struct weft_view body = route->request.body;
    if (route->type == KV_HTTP_TYPE_JSON)
        return read_json(task, body, packed);
    bool text = route->type != KV_HTTP_TYPE_BYTES && weft_utf8_valid(body);
    if (route->type == KV_HTTP_TYPE_TEXT && !text)
        return refuse(task, "The body is not UTF-8: send it as application/octet-stream");
    return pack(task, text ? KV_TYPE_STRING : KV_TYPE_BINARY, body, packed);
}
