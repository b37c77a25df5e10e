/* SPDX-License-Identifier: MIT
 *
 * Anybody may publish any bytes in the channels of kvs. What is read as a message has values that lie in it one behind
 * the other, and is written as the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/kv/stores/redis/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUES_MAX = 1024 };

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_view values[VALUES_MAX];
    struct kv_redis_payload payload;
    size_t count = 0;
    uint8_t *exact = malloc(size + 1), *again = malloc(size + 1);

    must(exact && again, "no memory");
    if (size > 0)
        memcpy(exact, data, size);
    if (kv_redis_payload_read(&payload, weft_view(exact, size))) {
        struct weft_view rest = payload.values;
        while (count < VALUES_MAX && kv_redis_payload_next(&rest, &values[count]))
            count++;
        must(count > 0, "a message has a value");
        if (count < VALUES_MAX) {
            must(kv_redis_payload_size(values, count) == size, "all bytes belong to it");
            kv_redis_payload_write(again, &payload, values, count);
            must(memcmp(again, exact, size) == 0, "it is written as it was read");
        }
    }
    free(exact);
    free(again);
    return 0;
}
