/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "units.h"

const char *weft_option_get(const struct weft_option_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->values[i].name, name) == 0)
            return set->values[i].value;
    }
    return NULL;
}

static const struct weft_limit table[] = {
#define X(field, option, unit_name, default_value, zero, text)                                     \
    {.name = option,                                                                               \
     .help = text,                                                                                 \
     .unit = WEFT_LIMIT_##unit_name,                                                               \
     .zero_is_off = zero,                                                                          \
     .value = default_value,                                                                       \
     .offset = offsetof(struct weft_limits, field)},
    WEFT_LIMIT_MAP(X)
#undef X
        {.name = NULL},
};

const struct weft_limit *weft_limit_table(void)
{
    return table;
}

struct weft_limits weft_limits_default(void)
{
    return (struct weft_limits){
#define X(field, option, unit_name, default_value, zero, text) .field = default_value,
        WEFT_LIMIT_MAP(X)
#undef X
    };
}

static uint64_t value_of(const struct weft_limits *limits, const struct weft_limit *limit)
{
    uint64_t value;
    memcpy(&value, (const char *)limits + limit->offset, sizeof value);
    return value;
}

static const struct weft_limit *find(const char *name)
{
    for (const struct weft_limit *limit = table; limit->name; limit++) {
        if (strcmp(limit->name, name) == 0)
            return limit;
    }
    return NULL;
}

static int refuse_name(const char *name, struct weft_error *error)
{
    char names[320] = "";
    size_t used = 0;
    for (const struct weft_limit *limit = table; limit->name; limit++) {
        int n = snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", limit->name);
        used += (size_t)n < sizeof names - used ? (size_t)n : sizeof names - used - 1;
    }
    return weft_error_set(error, WEFT_ECONFIG, "unknown limit '%.64s'; there are: %s", name, names);
}

static int parse(const struct weft_limit *limit, const char *text, uint64_t *value)
{
    switch (limit->unit) {
    case WEFT_LIMIT_BYTES:
        return weft_parse_size(text, value);
    case WEFT_LIMIT_TIME:
        return weft_parse_seconds(text, value);
    case WEFT_LIMIT_COUNT:
        break;
    }
    return weft_parse_count(text, value);
}

static const char *form_of(const struct weft_limit *limit)
{
    switch (limit->unit) {
    case WEFT_LIMIT_BYTES:
        return "a size: bytes, or with K, M, G or KiB, MiB, GiB (8MiB)";
    case WEFT_LIMIT_TIME:
        return "a time: seconds (0.5), or with us, ms, s, m, h, d (500ms)";
    case WEFT_LIMIT_COUNT:
        break;
    }
    return "a number: decimal digits (1000)";
}

/* Returns the most that a limit may be, and writes it as people do. */
static uint64_t most_of(const struct weft_limit *limit, char text[WEFT_UNITS_TEXT])
{
    switch (limit->unit) {
    case WEFT_LIMIT_BYTES:
        weft_format_size(WEFT_LIMIT_BYTES_MAX, text);
        return WEFT_LIMIT_BYTES_MAX;
    case WEFT_LIMIT_TIME:
        weft_format_seconds(WEFT_LIMIT_TIME_MAX, text);
        return WEFT_LIMIT_TIME_MAX;
    case WEFT_LIMIT_COUNT:
        break;
    }
    snprintf(text, WEFT_UNITS_TEXT, "%" PRIu64, WEFT_LIMIT_COUNT_MAX);
    return WEFT_LIMIT_COUNT_MAX;
}

static int check_range(const struct weft_limit *limit, uint64_t value, struct weft_error *error)
{
    char most[WEFT_UNITS_TEXT];
    if (value == 0 && !limit->zero_is_off)
        return weft_error_set(error, WEFT_ECONFIG, "%s: must be more than 0", limit->name);
    if (value > most_of(limit, most))
        return weft_error_set(error, WEFT_ECONFIG, "%s: must be at most %s", limit->name, most);
    return 0;
}

int weft_limit_set(const struct weft_limit *limit, void *limits, const char *text,
                   struct weft_error *error)
{
    uint64_t value;
    int err = parse(limit, text, &value);
    if (err == -ERANGE)
        value = UINT64_MAX;
    else if (err < 0)
        return weft_error_set(error, WEFT_ECONFIG, "%s: '%.64s' is not %s", limit->name, text,
                              form_of(limit));
    err = check_range(limit, value, error);
    if (err == 0)
        memcpy((char *)limits + limit->offset, &value, sizeof value);
    return err;
}

int weft_limits_set(struct weft_limits *limits, const char *name, const char *text,
                    struct weft_error *error)
{
    const struct weft_limit *limit = find(name);
    return limit ? weft_limit_set(limit, limits, text, error) : refuse_name(name, error);
}

static int check_ranges(const struct weft_limits *limits, struct weft_error *error)
{
    int err = 0;
    for (const struct weft_limit *limit = table; limit->name && err == 0; limit++)
        err = check_range(limit, value_of(limits, limit), error);
    return err;
}

int weft_limits_check(const struct weft_limits *limits, struct weft_error *error)
{
    char a[WEFT_UNITS_TEXT], b[WEFT_UNITS_TEXT], c[WEFT_UNITS_TEXT];

    int rc = check_ranges(limits, error);
    if (rc < 0)
        return rc;

    /* A message that is not compressed is its frame's payload: the larger max-frame would promise
     * what max-message then refuses. */
    if (limits->max_message < limits->max_frame)
        return weft_error_set(error, WEFT_ECONFIG, "max-message (%s) is below max-frame (%s)",
                              weft_format_size(limits->max_message, a),
                              weft_format_size(limits->max_frame, b));
    if (limits->output_low > limits->output_high)
        return weft_error_set(error, WEFT_ECONFIG, "output-low (%s) is above output-high (%s)",
                              weft_format_size(limits->output_low, a),
                              weft_format_size(limits->output_high, b));
    if (limits->output_high > limits->output_hard)
        return weft_error_set(error, WEFT_ECONFIG, "output-high (%s) is above output-hard (%s)",
                              weft_format_size(limits->output_high, a),
                              weft_format_size(limits->output_hard, b));
    /* Below output-high one more reply is always taken, whatever its size. With less room than this
     * a permitted reply would close its connection. */
    if (limits->output_hard - limits->output_high < limits->max_frame)
        return weft_error_set(error, WEFT_ECONFIG,
                              "output-hard (%s) is below output-high and one max-frame (%s + %s)",
                              weft_format_size(limits->output_hard, a),
                              weft_format_size(limits->output_high, b),
                              weft_format_size(limits->max_frame, c));
    return 0;
}
