/* SPDX-License-Identifier: MIT */
#include "command_options.h"

#include <string.h>

#include "core/base/units.h"

enum { NANOSECONDS = 1000000 }; /* of a millisecond */

bool cli_parse_milliseconds(const char *text, uint64_t *milliseconds)
{
    uint64_t nanoseconds;
    if (weft_parse_seconds(text, &nanoseconds) < 0 || nanoseconds < NANOSECONDS)
        return false;
    *milliseconds = nanoseconds / NANOSECONDS;
    return true;
}

static struct cli_command_options *options_of(void *line)
{
    return &((struct cli_request_line *)line)->options;
}

static int set_expiry(void *line, enum weft_kv_expire when, uint64_t milliseconds,
                      struct weft_error *error)
{
    struct cli_command_options *options = options_of(line);
    if (options->given & CLI_TAKES_EXPIRY)
        return weft_error_set(error, WEFT_ECONFIG,
                              "--ttl, --expire-at and --keep-ttl: choose one of them");
    options->given |= CLI_TAKES_EXPIRY;
    options->expiry = (struct weft_kv_expiry){when, milliseconds};
    return 0;
}

static int set_ttl(void *line, const char *text, struct weft_error *error)
{
    uint64_t milliseconds;
    if (!cli_parse_milliseconds(text, &milliseconds))
        return weft_error_set(
            error, WEFT_ECONFIG,
            "--ttl: '%.64s' is not a time: seconds over 0, as 10, 0.25, 500ms or 2h", text);
    return set_expiry(line, WEFT_KV_EXPIRE_AFTER, milliseconds, error);
}

static int set_expire_at(void *line, const char *text, struct weft_error *error)
{
    uint64_t milliseconds;
    if (!cli_parse_milliseconds(text, &milliseconds))
        return weft_error_set(
            error, WEFT_ECONFIG,
            "--expire-at: '%.64s' is not a time: seconds since 1970, as 1893456000 "
            "(date +%%s)",
            text);
    return set_expiry(line, WEFT_KV_EXPIRE_AT, milliseconds, error);
}

static int set_keep_ttl(void *line, const char *text, struct weft_error *error)
{
    (void)text;
    return set_expiry(line, WEFT_KV_EXPIRE_KEEP, 0, error);
}

static int set_condition(void *line, enum weft_kv_condition condition, unsigned kind,
                         struct weft_error *error)
{
    struct cli_command_options *options = options_of(line);
    if (options->given & (CLI_TAKES_CONDITION | CLI_TAKES_VERSION))
        return weft_error_set(error, WEFT_ECONFIG,
                              "--if-absent, --if-present and --if-version: choose one of them");
    options->given |= kind;
    options->condition = condition;
    return 0;
}

static int set_if_absent(void *line, const char *text, struct weft_error *error)
{
    (void)text;
    return set_condition(line, WEFT_KV_IF_ABSENT, CLI_TAKES_CONDITION, error);
}

static int set_if_present(void *line, const char *text, struct weft_error *error)
{
    (void)text;
    return set_condition(line, WEFT_KV_IF_PRESENT, CLI_TAKES_CONDITION, error);
}

static int digit_of(char letter)
{
    const char *digits = "0123456789abcdef";
    const char *found = letter ? strchr(digits, letter | 0x20) : NULL;
    return found ? (int)(found - digits) : -1;
}

static int set_if_version(void *line, const char *text, struct weft_error *error)
{
    uint8_t *version = options_of(line)->version;
    bool good = strlen(text) == (size_t)2 * CLI_VERSION_SIZE;
    for (size_t i = 0; good && i < CLI_VERSION_SIZE; i++) {
        int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
        good = high >= 0 && low >= 0;
        version[i] = (uint8_t)(high << 4 | low);
    }
    if (!good)
        return weft_error_set(
            error, WEFT_ECONFIG,
            "--if-version: '%.64s' is not a version: 32 hexadecimal digits, as hget "
            "--state prints",
            text);
    return set_condition(line, WEFT_KV_IF_VERSION, CLI_TAKES_VERSION, error);
}

static int set_state(void *line, const char *text, struct weft_error *error)
{
    (void)text, (void)error;
    options_of(line)->given |= CLI_TAKES_STATE;
    return 0;
}

static int set_prefix(void *line, const char *text, struct weft_error *error)
{
    (void)error;
    options_of(line)->given |= CLI_TAKES_FILTER;
    options_of(line)->prefix = text;
    return 0;
}

static int set_match(void *line, const char *text, struct weft_error *error)
{
    (void)error;
    options_of(line)->given |= CLI_TAKES_FILTER;
    options_of(line)->match = text;
    return 0;
}

static int set_keys_only(void *line, const char *text, struct weft_error *error)
{
    (void)text, (void)error;
    options_of(line)->given |= CLI_TAKES_FILTER;
    options_of(line)->keys_only = true;
    return 0;
}

/* Names lie behind their dashes, so that they can be had with them. */
#define DASHED(name) (&("--" name)[2])
#define OF_SETS      .command = "hset hmset"

const struct cli_option *cli_command_options(void)
{
    static const struct cli_option options[] = {
        {.name = DASHED("ttl"),
         .argument = "TIME",
         .help = "expire after it, as 10, 500ms or 2h",
         .set = set_ttl,
         OF_SETS},
        {.name = DASHED("expire-at"),
         .argument = "SECONDS",
         .help = "expire at this time, in seconds since 1970",
         .set = set_expire_at,
         OF_SETS},
        {.name = DASHED("keep-ttl"),
         .help = "expire when the key did before",
         .set = set_keep_ttl,
         OF_SETS},
        {.name = DASHED("if-absent"),
         .help = "only if the key is not there",
         .set = set_if_absent,
         OF_SETS},
        {.name = DASHED("if-present"),
         .help = "only if the key is there",
         .set = set_if_present,
         OF_SETS},
        {.name = DASHED("if-version"),
         .argument = "VERSION",
         .help = "only if the value has this version",
         .set = set_if_version,
         .command = "hset hmset hdel hmdel"},
        {.name = DASHED("state"),
         .help = "print also version and expiry, or never",
         .set = set_state,
         .command = "hget hmget watch"},
        {.name = DASHED("prefix"),
         .argument = "TEXT",
         .help = "only keys that begin with it",
         .set = set_prefix,
         .command = "hscan watch"},
        {.name = DASHED("match"),
         .argument = "PATTERN",
         .help = "only keys like this: * ? [a-z] as in a shell",
         .set = set_match,
         .command = "hscan"},
        {.name = DASHED("keys-only"),
         .help = "no values",
         .set = set_keys_only,
         .command = "hscan"},
        {.name = NULL},
    };
    return options;
}

const char *cli_option_dashed(const struct cli_option *option)
{
    return option->name - 2;
}

const char *cli_option_meant(unsigned takes, const char *name, size_t length)
{
    if (takes & CLI_TAKES_STATE && length == 7 && strncmp(name, "version", length) == 0)
        return "state";
    if (takes & CLI_TAKES_FILTER && length == 4 && strncmp(name, "keys", length) == 0)
        return "keys-only";
    return NULL;
}

/* Returns the option whose name is the first `length` bytes, in which a _ may stand for a -. */
static const struct cli_option *find(const char *name, size_t length)
{
    for (const struct cli_option *option = cli_command_options(); option->name; option++) {
        size_t i = 0;
        while (i < length &&
               (option->name[i] == name[i] || (option->name[i] == '-' && name[i] == '_')))
            i++;
        if (i == length && option->name[i] == '\0')
            return option;
    }
    return NULL;
}

static const struct cli_option *find_meant(unsigned takes, const char *name, size_t length)
{
    const char *meant = cli_option_meant(takes, name, length);
    return meant ? find(meant, strlen(meant)) : find(name, length);
}

static int apply(struct cli_request_line *line, const struct cli_option *option, const char *text,
                 struct weft_error *error)
{
    if (option->argument && !text)
        return weft_error_set(error, WEFT_ECONFIG, "--%s: needs a value: --%s %s", option->name,
                              option->name, option->argument);
    if (!option->argument && text)
        return weft_error_set(error, WEFT_ECONFIG, "--%s: takes no value", option->name);
    line->common.of_command = option;
    return option->set(line, text, error);
}

int cli_line_set_option(struct cli_request_line *line, const char *name, const char *text,
                        struct weft_error *error)
{
    const struct cli_option *option = find(name, strlen(name));
    if (option)
        return apply(line, option, text, error);
    return weft_error_set(error, WEFT_ECONFIG, "unknown option '%.40s'", name);
}

int cli_line_take_options(struct cli_request_line *line, unsigned takes, char **words,
                          size_t *count, struct weft_error *error)
{
    size_t kept = *count > 0;
    bool ended = false;
    int err = 0;
    for (size_t i = kept; i < *count && err == 0; i++) {
        const char *name = words[i] + 2;
        bool dashes = !ended && strncmp(words[i], "--", 2) == 0;
        const struct cli_option *option =
            dashes ? find_meant(takes, name, strcspn(name, "=")) : NULL;
        if (dashes && *name == '\0') {
            ended = true;
        } else if (option) {
            const char *value = strchr(name, '=');
            if (value)
                value++;
            else if (option->argument && i + 1 < *count)
                value = words[++i];
            err = apply(line, option, value, error);
        } else {
            words[kept++] = words[i];
        }
    }
    *count = kept;
    return err;
}
