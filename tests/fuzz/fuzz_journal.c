/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a record of a journal, and as a journal's file. A record whose check is right is read within its
 * bounds, and what was read of it is read again from what is written of that. A file is read to its end or to
 * the first place without a record. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "services/kv/stores/journal/records/crc32c.h"
#include "services/kv/stores/journal/records/files.h"
#include "services/kv/stores/journal/records/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fuzz_journal: %s\n", rule);
    abort();
}

static void check_change(const struct kv_record_change *change)
{
    size_t size = kv_record_change_size(change);
    uint8_t *bytes = malloc(size);
    demand(bytes != NULL, "no memory");
    demand(kv_record_put_change(bytes, change) == bytes + size, "a change of another size");
    struct weft_view rest = weft_view(bytes, size);
    struct kv_record_change again;
    demand(kv_record_next(&rest, &again) == 1 && rest.size == 0, "a change that is not read again");
    demand(again.drop == change->drop && again.removal == change->removal &&
               again.expires == change->expires && weft_view_equal(again.key, change->key) &&
               weft_view_equal(again.value, change->value),
           "a change that is read as another");
    free(bytes);
}

static void check_record(const uint8_t *data, size_t size)
{
    struct kv_record record;
    struct kv_record_change change;
    uint8_t *bytes = malloc(size + 1);
    demand(bytes != NULL, "no memory");
    memcpy(bytes, data, size);
    if (size >= KV_RECORD_HEAD)
        weft_store_be32(bytes, kv_crc32c(0, bytes + 4, size - 4));
    if (kv_record_read(weft_view(bytes, size), &record) == 0 &&
        (record.kind == KV_RECORD_CHANGES || record.kind == KV_RECORD_PAIRS))
        while (kv_record_next(&record.rest, &change) > 0)
            check_change(&change);
    free(bytes);
}

static void check_file(const uint8_t *data, size_t size)
{
    struct kv_stream stream;
    struct kv_record record;
    int fd = memfd_create("journal", MFD_CLOEXEC);
    demand(fd >= 0 && kv_file_write(fd, weft_view(data, size), 0) == 0, "no file");
    demand(kv_stream_init(&stream, fd) == 0, "no stream");
    while (kv_stream_next(&stream, &record) > 0)
        demand(stream.offset <= size, "a record behind the end");
    demand(kv_stream_proves(&stream, 1) >= 0, "a search that fails");
    kv_stream_fini(&stream);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_record(data, size);
    check_file(data, size);
    return 0;
}
