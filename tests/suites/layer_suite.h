/* SPDX-License-Identifier: MIT
 *
 * The contract of core/layer.h as tests that any layer can join:
 *
 *     int main(void)
 *     {
 *         return weft_layer_suite_run(&(struct weft_layer_suite){.layer = &quota_layer});
 *     }
 *
 * The requests have no connection behind them, and the loop's time is virtual. The suite knows nothing of
 * what the layer is for: it may let pass or refuse whatever it likes. */
#ifndef WEFT_LAYER_SUITE_H
#define WEFT_LAYER_SUITE_H

#include "core/layer.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_layer_suite {
    const struct weft_layer *layer; /* borrowed, as all below, until run returns */
    void *context;                  /* what it would be registered with; NULL: nothing */
    const char *query;              /* options as in a URL ("quota=2"); NULL: none */
};

/* Runs all tests on the main thread, as one cmocka group. Returns how many failed. */
int weft_layer_suite_run(const struct weft_layer_suite *suite);

#ifdef __cplusplus
}
#endif

#endif
