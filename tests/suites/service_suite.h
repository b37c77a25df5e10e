/* SPDX-License-Identifier: MIT
 *
 * The contract of core/service.h as tests that any service can join:
 *
 *     int main(void)
 *     {
 *         return weft_service_suite_run(&(struct weft_service_suite){.service = &echo_service});
 *     }
 *
 * The requests are real to the service and have no connection behind them: they are driven as the core
 * drives them, on a loop whose time is virtual. Whatever the payload, the suite asks for the contract
 * alone, so it needs to know nothing of the service's language. */
#ifndef WEFT_SERVICE_SUITE_H
#define WEFT_SERVICE_SUITE_H

#include "core/service.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_service_suite {
    const struct weft_service *service; /* borrowed, as all below, until run returns */
    void *context;                      /* what it would be registered with; NULL: nothing */
    const char *query;                  /* options as in a URL ("delay=1ms"); NULL: none */
    /* Good payloads of its language, so that more than its refusals is exercised. NULL: none. */
    const struct weft_view *samples;
    size_t sample_count;
};

/* Runs all tests on the main thread, as one cmocka group. Returns how many failed. A service that uses a
 * request after its end, or never ends one, aborts the program with a line that says so. */
int weft_service_suite_run(const struct weft_service_suite *suite);

#ifdef __cplusplus
}
#endif

#endif
