/* SPDX-License-Identifier: MIT */
#include "blob.h"

#include <assert.h>
#include <stdatomic.h>

#include "blob_frame.h"
#include "mem.h"

/* One allocation: the header and, behind it, the bytes. */
struct weft_blob {
    atomic_size_t refs;
    size_t size;
    struct weft__blob_frame frame;
    uint8_t data[];
};

struct weft_blob *weft_blob_new(size_t size, uint8_t **data)
{
    if (size > SIZE_MAX - sizeof(struct weft_blob))
        return NULL;
    struct weft_blob *blob = weft_malloc(sizeof *blob + size);
    if (!blob)
        return NULL;
    atomic_init(&blob->refs, 1);
    blob->size = size;
    atomic_init(&blob->frame.pool, NULL);
    blob->frame.kept = NULL;
    *data = blob->data;
    return blob;
}

struct weft_blob *weft_blob_ref(struct weft_blob *blob)
{
    /* Relaxed: whoever adds one holds one, so nothing can be freed meanwhile. */
    size_t before = atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
    return blob;
}

void weft_blob_unref(struct weft_blob *blob)
{
    if (!blob)
        return;
    /* Release: our reads of the bytes come before; acquire: the others' come before the free. */
    size_t before = atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1)
        return;
    if (atomic_load_explicit(&blob->frame.pool, memory_order_relaxed))
        weft__frame_cache_forget(blob);
    weft_free(blob);
}

uint8_t *weft__blob_data(struct weft_blob *blob)
{
    return blob->data;
}

struct weft__blob_frame *weft__blob_frame(struct weft_blob *blob)
{
    return &blob->frame;
}

struct weft_view weft_blob_view(const struct weft_blob *blob)
{
    return weft_view(blob->data, blob->size);
}
