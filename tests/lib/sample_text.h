/* SPDX-License-Identifier: MIT
 *
 * Samples as a text, a line for each: `name{label=value,...} 12`, and of a histogram `name{...} count=3 sum=0.5`. */
#ifndef TEST_SAMPLE_TEXT_H
#define TEST_SAMPLE_TEXT_H

#include "core/base/samples.h"

enum { SAMPLE_TEXT = 256 * 1024 };

struct sample_text {
    struct weft_samples samples; /* hand this to a collector */
    size_t size;
    char text[SAMPLE_TEXT];
};

void sample_text_init(struct sample_text *self);

/* Returns the sum over the lines that begin with `name` and have each of the words `with`, which NULL ends, or -1 if there
 * is none. Of a histogram it is the sum of the counts. */
double sample_text_sum(const struct sample_text *self, const char *name, const char *const *with);

#endif
