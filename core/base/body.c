/* SPDX-License-Identifier: MIT */
#include "body.h"

static void write_view(const struct weft_body *body, uint8_t *dst)
{
    /* weft_body_from_view made the body as the first member of this struct. */
    const struct weft_body_bytes *self = (const struct weft_body_bytes *)body;
    if (self->view.size > 0)
        memcpy(dst, self->view.data, self->view.size);
}

struct weft_body_bytes weft_body_from_view(struct weft_view view)
{
    return (struct weft_body_bytes){
        .body = {.size = view.size, .write = write_view},
        .view = view,
    };
}

struct weft_body weft_body_from_blob(struct weft_blob *blob)
{
    return (struct weft_body){.size = weft_blob_view(blob).size, .blob = blob};
}

static void write_parts(const struct weft_body *body, uint8_t *dst)
{
    const struct weft_body_parts *self = (const struct weft_body_parts *)body;
    if (self->head.size > 0)
        memcpy(dst, self->head.data, self->head.size);
    if (self->content.size > 0)
        memcpy(dst + self->head.size, self->content.data, self->content.size);
}

struct weft_body_parts weft_body_from_parts(struct weft_view head, struct weft_blob *blob,
                                            struct weft_view content)
{
    return (struct weft_body_parts){
        .body = {.size = head.size + content.size, .write = write_parts},
        .head = head,
        .content = content,
        .blob = blob,
    };
}

const struct weft_body_parts *weft_body_parts_of(const struct weft_body *body)
{
    return body->write == write_parts ? (const struct weft_body_parts *)body : NULL;
}

void weft_body_write(const struct weft_body *body, uint8_t *dst)
{
    if (!body->blob) {
        body->write(body, dst);
        return;
    }
    struct weft_view view = weft_blob_view(body->blob);
    if (view.size > 0)
        memcpy(dst, view.data, view.size);
}
