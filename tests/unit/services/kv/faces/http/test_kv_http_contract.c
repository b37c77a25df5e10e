/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "services/kv/service.h"
#include "services/kv/stores/stores.h"
#include "suites/service_suite.h"

/* Requests as the codec http hands them on. */
static const struct weft_view samples[] = {
#define SAMPLE(text)                                                                               \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
    SAMPLE("PUT /v1/tables/t/keys/k HTTP/1.1\r\nHost: a\r\n\r\nhello"),
    SAMPLE("GET /v1/tables/t/keys/k HTTP/1.1\r\nHost: a\r\n\r\n"),
    SAMPLE("GET /v1/tables/t?limit=5 HTTP/1.1\r\nHost: a\r\n\r\n"),
    SAMPLE("DELETE /v1/tables/t/keys/k HTTP/1.1\r\nHost: a\r\n\r\n"),
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
        .service = &weft_kv_http_service,
        .context = &context,
        .samples = samples,
        .sample_count = sizeof samples / sizeof *samples,
    });
    weft_kv_context_fini(&context);
    return failed;
}
