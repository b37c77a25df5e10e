/* SPDX-License-Identifier: MIT */
#include "event.h"

#include <inttypes.h>
#include <stdio.h>

static const char event[] = "event: ", data[] = "data: ";

size_t weft_event_put_id(uint8_t dst[WEFT_EVENT_ID_MAX], uint64_t id)
{
    return (size_t)snprintf((char *)dst, WEFT_EVENT_ID_MAX, "id: %" PRIu64, id);
}

size_t weft_event_head_size(uint64_t id, const char *name)
{
    uint8_t line[WEFT_EVENT_ID_MAX];
    size_t size = sizeof data - 1;
    if (id != 0)
        size += weft_event_put_id(line, id) + 1;
    return name ? size + sizeof event - 1 + strlen(name) + 1 : size;
}

static uint8_t *put(uint8_t *dst, const char *text)
{
    size_t size = strlen(text);
    memcpy(dst, text, size);
    return dst + size;
}

uint8_t *weft_event_put_head(uint8_t *dst, uint64_t id, const char *name)
{
    uint8_t line[WEFT_EVENT_ID_MAX];
    if (id != 0) {
        size_t size = weft_event_put_id(line, id);
        memcpy(dst, line, size);
        dst = put(dst + size, "\n");
    }
    if (name)
        dst = put(put(put(dst, event), name), "\n");
    return put(dst, data);
}
