/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "services/kv/service.h"
#include "services/kv/stores/stores.h"
#include "suites/service_suite.h"

static const struct weft_view samples[] = {
#define SAMPLE(text)                                                                               \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
    SAMPLE("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"),
    SAMPLE("GET a\r\n"),
    SAMPLE("*4\r\n$4\r\nHSET\r\n$1\r\nh\r\n$1\r\nf\r\n$1\r\nv\r\n"),
    SAMPLE("HGETALL h\r\n"),
    SAMPLE("HELLO 3\r\n"),
    SAMPLE("COMMAND\r\n"),
    SAMPLE("INFO\r\n"),
    SAMPLE("SLOWLOG GET\r\n"),
    SAMPLE("SLOWLOG LEN\r\n"),
    SAMPLE("SLOWLOG RESET\r\n"),
    SAMPLE("HSCAN h 0\r\n"),
    SAMPLE("NOSUCH \"a\\r\\nb\"\r\n"),
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
        .service = &weft_kv_resp_service,
        .context = &context,
        .query = "table=strings",
        .samples = samples,
        .sample_count = sizeof samples / sizeof *samples,
    });
    weft_kv_context_fini(&context);
    return failed;
}
