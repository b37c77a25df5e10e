/* SPDX-License-Identifier: MIT */
#include "image.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "records/files.h"

enum {
    ENOUGH = 128 << 10,  /* bytes of a record that is written */
    LARGE = 16 << 10,    /* a value of more bytes that lies in a blob is not copied */
    SYNC_STEP = 8 << 20, /* bytes between two syncs, so that the journal's never waits for many */
    VECTORS = 64,
};

int kv_image_init(struct kv_image *file, int fd, uint64_t number, const uint8_t *seed)
{
    *file = (struct kv_image){.fd = fd};
    int err = kv_framing_init(&file->framing);
    if (err < 0)
        return err;
    weft_chain_init(&file->chain, NULL);
    ssize_t begun = kv_file_begin(fd, KV_RECORD_SNAPSHOT, number, seed);
    if (begun < 0) {
        kv_framing_fini(&file->framing);
        return (int)begun;
    }
    file->size = (uint64_t)begun;
    return 0;
}

static void drop_large(struct kv_image *file)
{
    for (size_t i = 0; i < file->large_count; i++) {
        weft_bytes_fini(&file->large[i].key);
        weft_blob_unref(file->large[i].blob);
    }
    file->large_count = 0;
}

void kv_image_fini(struct kv_image *file)
{
    drop_large(file);
    weft_free(file->large);
    weft_free(file->bytes);
    weft_chain_fini(&file->chain);
    kv_framing_fini(&file->framing);
}

static int make_room(struct kv_image *file, size_t size)
{
    size_t capacity = file->capacity > 0 ? file->capacity : ENOUGH;
    while (capacity - file->used < size)
        capacity *= 2;
    if (capacity == file->capacity)
        return 0;
    uint8_t *grown = weft_realloc(file->bytes, capacity);
    if (!grown)
        return -ENOMEM;
    file->bytes = grown;
    file->capacity = capacity;
    return 0;
}

int kv_image_begin(struct kv_image *file, struct weft_view table)
{
    file->used = 0;
    int err = make_room(file, KV_RECORD_HEAD + kv_record_table_size(table));
    if (err < 0)
        return err;
    uint8_t *end = kv_record_put_table(file->bytes + KV_RECORD_HEAD, table);
    file->used = file->table_size = (size_t)(end - file->bytes);
    return 0;
}

static int add_large(struct kv_image *file, const struct kv_record_change *pair,
                     struct weft_blob *blob)
{
    if (file->large_count == file->large_capacity) {
        size_t capacity = file->large_capacity > 0 ? 2 * file->large_capacity : 64;
        struct kv_image_large *grown = weft_realloc(file->large, capacity * sizeof *grown);
        if (!grown)
            return -ENOMEM;
        file->large = grown;
        file->large_capacity = capacity;
    }
    struct kv_image_large *large = &file->large[file->large_count];
    int err = weft_bytes_copy(&large->key, pair->key);
    if (err < 0)
        return err;
    large->blob = weft_blob_ref(blob);
    large->value = pair->value;
    large->expires = pair->expires;
    file->large_count++;
    return 0;
}

int kv_image_add(struct kv_image *file, const struct kv_record_change *pair, struct weft_blob *blob)
{
    file->pairs++;
    if (blob && pair->value.size > LARGE)
        return add_large(file, pair, blob);
    int err = make_room(file, kv_record_change_size(pair));
    if (err < 0)
        return err;
    file->used = (size_t)(kv_record_put_change(file->bytes + file->used, pair) - file->bytes);
    return 0;
}

static int write_chain(struct kv_image *file)
{
    struct iovec vectors[VECTORS];
    while (file->chain.bytes > 0) {
        int count = weft_chain_peek(&file->chain, vectors, VECTORS);
        ssize_t n = pwritev(file->fd, vectors, count, (off_t)file->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        file->size += (uint64_t)n;
        weft_chain_consume(&file->chain, (size_t)n);
    }
    if (file->size - file->synced < SYNC_STEP)
        return 0;
    file->synced = file->size;
    return fdatasync(file->fd) < 0 ? -errno : 0;
}

/* Writes the record that was made, and leaves only its table in it. */
static int write_record(struct kv_image *file, enum kv_record_kind kind, uint64_t number)
{
    struct weft_view rest = weft_view(file->bytes + KV_RECORD_HEAD, file->used - KV_RECORD_HEAD);
    kv_record_seal(file->bytes, kind, number, 0, rest);
    int err = kv_framing_encode(&file->framing, weft_view(file->bytes, file->used), &file->chain);
    file->used = file->table_size;
    return err < 0 ? err : write_chain(file);
}

int kv_image_flush(struct kv_image *file, bool all)
{
    int err = 0;
    if (file->used >= ENOUGH || (all && file->used > file->table_size))
        err = write_record(file, KV_RECORD_PAIRS, 0);
    for (size_t i = 0; err == 0 && i < file->large_count; i++) {
        const struct kv_image_large *large = &file->large[i];
        const struct kv_record_change pair = {.key = weft_view(large->key.data, large->key.size),
                                              .value = large->value,
                                              .expires = large->expires};
        if (file->used > file->table_size)
            err = write_record(file, KV_RECORD_PAIRS, 0);
        if (err == 0)
            err = make_room(file, kv_record_change_size(&pair));
        if (err == 0) {
            file->used =
                (size_t)(kv_record_put_change(file->bytes + file->used, &pair) - file->bytes);
            err = write_record(file, KV_RECORD_PAIRS, 0);
        }
    }
    drop_large(file);
    return err;
}

int kv_image_end(struct kv_image *file, uint64_t number)
{
    file->used = file->table_size = KV_RECORD_HEAD;
    int err = make_room(file, KV_RECORD_VARINT_MAX);
    if (err < 0)
        return err;
    uint8_t *end = kv_record_put_varint(file->bytes + KV_RECORD_HEAD, file->pairs);
    file->used = (size_t)(end - file->bytes);
    err = write_record(file, KV_RECORD_END, number);
    if (err == 0 && fdatasync(file->fd) < 0)
        err = -errno;
    return err;
}
