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
    struct weft_blob_home *home; /* NULL: the heap */
    struct weft__blob_link link;
    uint8_t data[];
};

struct weft_blob *weft_blob_new(size_t size, uint8_t **data)
{
    if (size > SIZE_MAX - sizeof(struct weft_blob))
        return NULL;
    void *memory = weft_malloc(weft_blob_memory(size));
    return memory ? weft_blob_new_at(memory, size, NULL, data) : NULL;
}

size_t weft_blob_memory(size_t size)
{
    return sizeof(struct weft_blob) + size;
}

struct weft_blob *weft_blob_new_at(void *memory, size_t size, struct weft_blob_home *home,
                                   uint8_t **data)
{
    struct weft_blob *blob = memory;
    blob->home = home;
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
    if (blob->home)
        blob->home->free(blob->home, blob, weft_blob_memory(blob->size));
    else
        weft_free(blob);
}

struct weft_blob_home *weft_blob_home(const struct weft_blob *blob)
{
    return blob->home;
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
