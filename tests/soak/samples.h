/* SPDX-License-Identifier: MIT
 *
 * Samples of what the server uses over time, and a judgement whether they have a trend. */
#ifndef SOAK_SAMPLES_H
#define SOAK_SAMPLES_H

#include <stddef.h>

#include "server.h"

enum { SAMPLES_A_SECOND = 10 };

struct samples {
    struct server_usage *usage;
    size_t count;
};

/* Watches the server for so many seconds. Without memory the program ends. */
void samples_take(struct samples *samples, const struct server *server, unsigned seconds);
void samples_fini(struct samples *samples);

/* Prints how the last minute differs from the second; of less than three minutes, the thirds. It
 * compares medians, since an attack may need 32 MiB for a moment. */
void samples_report(const struct samples *samples);

#endif
