/* SPDX-License-Identifier: MIT */
#include "text.h"

#include "core/base/mem.h"

static void put_text_head(struct resp_text *text, enum weft_resp_mark mark, int64_t number)
{
    if (text->dst)
        (void)weft_resp_put_head(text->dst + text->size, mark, number);
    text->size += weft_resp_head_size(number);
}

void resp_text_array(struct resp_text *text, size_t count)
{
    put_text_head(text, WEFT_RESP_ARRAY, (int64_t)count);
}

void resp_text_map(struct resp_text *text, size_t count)
{
    put_text_head(text, text->is_3 ? WEFT_RESP_MAP : WEFT_RESP_ARRAY,
                  (int64_t)(text->is_3 ? count : 2 * count));
}

void resp_text_set(struct resp_text *text, size_t count)
{
    put_text_head(text, text->is_3 ? WEFT_RESP_SET : WEFT_RESP_ARRAY, (int64_t)count);
}

void resp_text_bulk_view(struct resp_text *text, struct weft_view view)
{
    if (text->dst)
        (void)weft_resp_put_bulk(text->dst + text->size, view);
    text->size += weft_resp_bulk_size(view.size);
}

void resp_text_bulk(struct resp_text *text, const char *string)
{
    resp_text_bulk_view(text, weft_view_str(string));
}

void resp_text_status(struct resp_text *text, const char *string)
{
    size_t size = strlen(string);
    if (text->dst) {
        uint8_t *dst = text->dst + text->size;
        *dst++ = '+';
        memcpy(dst, string, size);
        (void)weft_resp_put_line_end(dst + size);
    }
    text->size += 1 + size + 2;
}

void resp_text_integer(struct resp_text *text, int64_t number)
{
    put_text_head(text, WEFT_RESP_INTEGER, number);
}

static void put_bytes(struct resp_text *text, const char *bytes)
{
    if (text->dst)
        memcpy(text->dst + text->size, bytes, strlen(bytes));
    text->size += strlen(bytes);
}

void resp_text_nil(struct resp_text *text)
{
    put_bytes(text, text->is_3 ? "_\r\n" : "$-1\r\n");
}

bool resp_text_answer(struct resp_task *task,
                      void (*put)(struct resp_text *text, struct resp_task *task))
{
    struct resp_text text = {.is_3 = resp_is_3(task)};
    put(&text, task);
    size_t size = text.size;
    text =
        (struct resp_text){.is_3 = resp_is_3(task),
                           .dst = weft_arena_alloc(weft_request_arena(task->base.request), size)};
    if (text.dst) {
        put(&text, task);
        (void)resp_raw(task, weft_view(text.dst, size));
    } else {
        (void)resp_no_memory(task);
    }
    return resp_answer(task);
}
