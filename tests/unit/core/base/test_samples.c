/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/sample_text.h"

static const struct weft_metric things = {"weft_things", NULL, "Things", WEFT_GAUGE};

static struct sample_text taken;

static void collect(void *context, struct weft_samples *samples)
{
    const struct weft_label label = {"of", context};
    weft_samples_add(samples, &things, &label, 1, 3);
}

static void test_collectors_run_in_the_order_in_which_they_were_added(void **state)
{
    (void)state;
    char a[] = "a", b[] = "b", c[] = "c";
    struct weft_collectors list = WEFT_COLLECTORS_INIT;
    struct weft_collector first = {.collect = collect, .context = a},
                          second = {.collect = collect, .context = b},
                          third = {.collect = collect, .context = c};
    weft_collectors_add(&list, &first);
    weft_collectors_add(&list, &second);
    weft_collectors_add(&list, &third);
    sample_text_init(&taken);
    weft_collectors_run(&list, &taken.samples);
    assert_string_equal(taken.text,
                        "weft_things{of=a} 3\nweft_things{of=b} 3\nweft_things{of=c} 3\n");
}

static void test_collector_that_was_removed_runs_no_more(void **state)
{
    (void)state;
    char a[] = "a", b[] = "b";
    struct weft_collectors list = WEFT_COLLECTORS_INIT;
    struct weft_collector first = {.collect = collect, .context = a},
                          second = {.collect = collect, .context = b};
    weft_collectors_add(&list, &first);
    weft_collectors_add(&list, &second);
    weft_collectors_remove(&list, &first);
    weft_collectors_remove(&list, &first);
    sample_text_init(&taken);
    weft_collectors_run(&list, &taken.samples);
    weft_collectors_run(NULL, &taken.samples);
    assert_string_equal(taken.text, "weft_things{of=b} 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collectors_run_in_the_order_in_which_they_were_added),
        cmocka_unit_test(test_collector_that_was_removed_runs_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
