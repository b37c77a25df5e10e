/* SPDX-License-Identifier: MIT
 *
 * Rates: they tell what happened between two looks at the metrics of kvs (docs/admin.md, in JSON). */
#ifndef KVC_TOP_RATES_H
#define KVC_TOP_RATES_H

#include <jansson.h>

enum { KVC_RATE_COMMANDS = 64, KVC_RATE_LOOPS = 64, KVC_RATE_BUCKETS = 64 };

struct kvc_command_rate {
    const char *name;              /* in `now` */
    double requests, errors, sent; /* per second; errors: with a status other than 200 */
    double counts[KVC_RATE_BUCKETS], uppers[KVC_RATE_BUCKETS];
    size_t buckets;
    double p50, p99; /* seconds; 0: none was timed */
};

struct kvc_loop_rate {
    const char *name;
    double connections, turns, busy,
        longest; /* turns per second, the share of time in them, seconds */
};

struct kvc_rates {
    double seconds;
    double requests, received, sent, accepted, rejected, cpu; /* per second */
    double connections, resident, store;                      /* now */
    struct kvc_command_rate commands[KVC_RATE_COMMANDS];      /* those with most requests first */
    size_t command_count;
    struct kvc_loop_rate loops[KVC_RATE_LOOPS];
    size_t loop_count;
};

/* Both are answers of GET /metrics; `before` may be NULL, which counts all from 0. *rates borrows texts of `now`. */
void kvc_rates_init(struct kvc_rates *rates, const json_t *before, const json_t *now,
                    double seconds);

#endif
