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
    SAMPLE("hset t k v"),
    SAMPLE("hget t k"),
    SAMPLE("hmset t a int:1 b 'two words' c hex:00ff d float:0.5 e bool:true f empty:"),
    SAMPLE("hgetall t"),
    SAMPLE("hscan t - 2"),
    SAMPLE("hdel t k"),
    SAMPLE("publish t 'two words' int:1"),
    SAMPLE("ping"),
    SAMPLE("help"),
    SAMPLE("nothing of the kind"),
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
        .service = &weft_kv_line_service,
        .context = &context,
        .samples = samples,
        .sample_count = sizeof samples / sizeof *samples,
    });
    weft_kv_context_fini(&context);
    return failed;
}
