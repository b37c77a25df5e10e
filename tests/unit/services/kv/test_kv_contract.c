/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "services/kv/service.h"
#include "services/kv/stores/stores.h"
#include "suites/service_suite.h"

/* CommandRequests of proto/abi.proto, by hand: field number and wire type, length, content. */
static const struct weft_view samples[] = {
#define SAMPLE(text)                                                                               \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
    SAMPLE("\x22\x0d\x0a\x01t\x12\x08\x0a\x01k\x12\x03\x0a\x01v"), /* hset t k v */
    SAMPLE("\x0a\x06\x0a\x01t\x12\x01k"),                          /* hget t k */
    SAMPLE("\x12\x03\x0a\x01t"),                                   /* hgetall t */
    SAMPLE("\x32\x06\x0a\x01t\x12\x01k"),                          /* hdel t k */
#undef SAMPLE
};

int main(void)
{
    const struct weft_kv_limits limits = weft_kv_limits_default();
    struct weft_kv_context context;
    struct weft_error error;
    if (weft_kv_context_init(&context, &weft_kv_store_memory, &limits, NULL, &error) < 0) {
        print_error("%s\n", error.text);
        return 1;
    }
    int failed = weft_service_suite_run(&(struct weft_service_suite){
        .service = &weft_kv_service,
        .context = &context,
        .samples = samples,
        .sample_count = sizeof samples / sizeof *samples,
    });
    weft_kv_context_fini(&context);
    return failed;
}
