/* SPDX-License-Identifier: MIT */
#include "blob.h"

#include <assert.h>
#include <stdatomic.h>

#include "blob_private.h"
#include "mem.h"

/* The bytes lie behind the header, so that a blob is one allocation. */
struct weft_blob {
    atomic_size_t refs;
    size_t size;
    struct weft__blob_link link;
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
    atomic_init(&blob->link.keeper, NULL);
    blob->link.kept = NULL;
    *data = blob->data;
    return blob;
}

struct weft_blob *weft_blob_ref(struct weft_blob *blob)
{
    /* Relaxed is enough: the caller holds a reference, so nothing can be freed meanwhile. */
    size_t before = atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
    return blob;
}

void weft_blob_unref(struct weft_blob *blob)
{
    if (!blob)
        return;
    /* Release: our reads of the bytes happen before the count falls. Acquire: the reads of all
     * other owners happen before the free. */
    size_t before = atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1)
        return;
    struct weft__blob_keeper *keeper =
        atomic_load_explicit(&blob->link.keeper, memory_order_relaxed);
    if (keeper)
        keeper->blob_ended(keeper, blob);
    weft_free(blob);
}

uint8_t *weft__blob_data(struct weft_blob *blob)
{
    return blob->data;
}

struct weft__blob_link *weft__blob_link(struct weft_blob *blob)
{
    return &blob->link;
}

struct weft_view weft_blob_view(const struct weft_blob *blob)
{
    return weft_view(blob->data, blob->size);
}
