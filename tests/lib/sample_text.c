/* SPDX-License-Identifier: MIT */
#include "sample_text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"

static void add(struct sample_text *self, const char *format, ...) WEFT_PRINTF(2, 3);

static void add(struct sample_text *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(self->text + self->size, sizeof self->text - self->size, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof self->text - self->size)
        abort();
    self->size += (size_t)n;
}

static void take(struct weft_samples *samples, const struct weft_sample *sample)
{
    struct sample_text *self = weft_container_of(samples, struct sample_text, samples);
    add(self, "%s{", sample->metric->name);
    for (size_t i = 0; i < sample->label_count; i++)
        add(self, "%s%s=%s", i > 0 ? "," : "", sample->labels[i].name, sample->labels[i].value);
    if (sample->metric->kind == WEFT_HISTOGRAM)
        add(self, "} count=%llu sum=%.9g\n",
            (unsigned long long)sample->buckets[sample->bucket_count - 1].count, sample->value);
    else
        add(self, "} %.9g\n", sample->value);
}

void sample_text_init(struct sample_text *self)
{
    self->samples.take = take;
    self->size = 0;
    self->text[0] = '\0';
}

static bool has_all(const char *line, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(line, *words))
            return false;
    return true;
}

double sample_text_sum(const struct sample_text *self, const char *name, const char *const *with)
{
    double sum = 0;
    bool found = false;
    size_t size = strlen(name);
    for (const char *at = self->text; *at;) {
        char line[1024];
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, at);
        at += length + 1;
        if (strncmp(line, name, size) != 0 || line[size] != '{' || !has_all(line, with))
            continue;
        const char *value = strrchr(line, '}') + 2;
        sum += strtod(strncmp(value, "count=", 6) == 0 ? value + 6 : value, NULL);
        found = true;
    }
    return found ? sum : -1;
}
