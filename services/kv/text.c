/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <assert.h>

void kv_text_add_formed(struct kv_text *text, struct weft_view view, kv_text_form *form)
{
    assert(text->count < KV_TEXT_PARTS);
    text->parts[text->count++] = (struct kv_text_part){view, form};
}

void kv_text_add(struct kv_text *text, struct weft_view view)
{
    kv_text_add_formed(text, view, NULL);
}

void kv_text_add_str(struct kv_text *text, const char *str)
{
    kv_text_add(text, weft_view_str(str));
}

size_t kv_text_size(const struct kv_text *text)
{
    size_t size = 0;
    for (size_t i = 0; i < text->count; i++) {
        const struct kv_text_part *part = &text->parts[i];
        size += part->form ? part->form(part->view, NULL) : part->view.size;
    }
    return size;
}

uint8_t *kv_text_write(const struct kv_text *text, uint8_t *dst)
{
    for (size_t i = 0; i < text->count; i++) {
        const struct kv_text_part *part = &text->parts[i];
        if (part->form) {
            dst += part->form(part->view, dst);
        } else if (part->view.size > 0) {
            memcpy(dst, part->view.data, part->view.size);
            dst += part->view.size;
        }
    }
    return dst;
}
