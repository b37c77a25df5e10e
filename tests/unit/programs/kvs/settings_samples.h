/* SPDX-License-Identifier: MIT
 *
 * A good value, other than the default, and a bad one for every setting of kvs. A setting that is in the table of
 * options and not here fails the tests that use these, so that none is forgotten. */
#ifndef TEST_SETTINGS_SAMPLES_H
#define TEST_SETTINGS_SAMPLES_H

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/kvs/options.h"

struct sample {
    const char *name, *good, *bad; /* bad is NULL if any text is taken */
};

static const struct sample samples[] = {
    {"listen", "tcp://127.0.0.1:0?codec=raw", NULL},
    {"codec", "raw", NULL},
    {"threads", "3", "0"},
    {"store", "memory:/nowhere", NULL},
    {"log-level", "debug", "loud"},
    {"log-file", "/dev/stderr", NULL},
    {"log-format", "json", "xml"},
    {"log-rate", "7", "some"},
    {"access-log", "/dev/null", NULL},
    {"access-format", "$peer", NULL},
    {"handover", "/nowhere.sock", NULL},
    {"user", "nobody", NULL},
    {"users", "/nowhere.users", NULL},
    {"admin", "tcp://127.0.0.1:0", "?codec=raw"},
    {"slowlog", "0.01", "soon"},
    {"no-sandbox", "yes", "maybe"},
    {"plugin", "/nowhere.so", NULL},
    {"allow-remote", "yes", "maybe"},
    {"core-dumps", "yes", "maybe"},
};

/* Finds or makes the sample of an option; a limit's good value is half of its default, written to text. False:
 * there is none. */
static inline bool sample_of(const struct cli_option *option, struct sample *sample,
                             char text[WEFT_UNITS_TEXT])
{
    const struct weft_limit *limit = option->limit;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        if (strcmp(samples[i].name, option->name) == 0) {
            *sample = samples[i];
            return true;
        }
    }
    if (!limit)
        return false;
    uint64_t value = limit->value / 2;
    if (limit->unit == WEFT_LIMIT_TIME)
        value /= WEFT_SECONDS(1);
    snprintf(text, WEFT_UNITS_TEXT, "%" PRIu64, value > 0 ? value : 7);
    *sample = (struct sample){option->name, text, "some"};
    return true;
}

/* The variable of the environment that sets an option; until the next call. */
static inline const char *variable_of(const char *option)
{
    static char name[64];
    snprintf(name, sizeof name, "KVS_%s", option);
    for (char *at = name; *at; at++)
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    return name;
}

/* A test that sets these must not find what it is itself run with: coverage runs without a sandbox. */
static inline void forget_settings_of_the_environment(void)
{
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        unsetenv(variable_of(samples[i].name));
}

#endif
