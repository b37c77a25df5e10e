/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/units.h"
#include "format/base64.h"
#include "programs/lib/suggest.h"

static const struct cli_command commands[] = {
    {"hget", WEFT_KV_HGET, CLI_KEY, false, "print a key's value"},
    {"hgetall", WEFT_KV_HGETALL, CLI_TABLE, false, "print all pairs, sorted by key"},
    {"hmget", WEFT_KV_HMGET, CLI_KEYS, false, "print several values"},
    {"hset", WEFT_KV_HSET, CLI_PAIR, true, "set a key, print its old value"},
    {"hmset", WEFT_KV_HMSET, CLI_PAIRS, true, "set several keys at once"},
    {"hdel", WEFT_KV_HDEL, CLI_KEY, true, "delete a key, print its old value"},
    {"hmdel", WEFT_KV_HMDEL, CLI_KEYS, true, "delete several keys at once"},
    {"hexist", WEFT_KV_HEXIST, CLI_KEY, false, "print whether a key is there"},
    {"hmexist", WEFT_KV_HMEXIST, CLI_KEYS, false, "print whether each key is there"},
    {"hscan", WEFT_KV_HSCAN, CLI_PAGE, false, "print a page of pairs, see --json"},
    {"ping", WEFT_KV_HEXIST, CLI_NOTHING, false, "exchange a message, print its time"},
    {"help", 0, CLI_HELP, false, "explain a command, or all of them"},
    {"batch", 0, CLI_BATCH, true, "send commands, one a line"},
    {"import", 0, CLI_IMPORT, true, "set a table from CSV or NDJSON"},
    {"export", 0, CLI_EXPORT, false, "write a table as CSV or NDJSON"},
    {"bench", 0, CLI_BENCH, true, "measure the server under load"},
    {.name = NULL},
};

const struct cli_command *cli_command_table(void)
{
    return commands;
}

const char *cli_shape_arguments(enum cli_shape shape)
{
    switch (shape) {
    case CLI_NOTHING:
        break;
    case CLI_TABLE:
        return "TABLE";
    case CLI_PAGE:
        return "TABLE [CURSOR [LIMIT]]";
    case CLI_HELP:
        return "[COMMAND]";
    case CLI_BATCH:
        return "[FILE]";
    case CLI_IMPORT:
        return "TABLE FILE";
    case CLI_EXPORT:
        return "TABLE [FILE]";
    case CLI_BENCH:
        return "[OPTION]...";
    case CLI_KEY:
        return "TABLE KEY";
    case CLI_KEYS:
        return "TABLE KEY...";
    case CLI_PAIR:
        return "TABLE KEY VALUE";
    case CLI_PAIRS:
        return "TABLE KEY VALUE [KEY VALUE]...";
    case CLI_SHAPES:
        break;
    }
    return "";
}

/* True if a command of this shape takes `count` words. */
static bool count_fits(enum cli_shape shape, size_t count)
{
    switch (shape) {
    case CLI_NOTHING:
    case CLI_BENCH:
        return count == 0;
    case CLI_TABLE:
        return count == 1;
    case CLI_PAGE:
        return count >= 1 && count <= 3;
    case CLI_HELP:
    case CLI_BATCH:
        return count <= 1;
    case CLI_EXPORT:
        return count == 1 || count == 2;
    case CLI_IMPORT:
    case CLI_KEY:
        return count == 2;
    case CLI_KEYS:
        return count >= 2;
    case CLI_PAIR:
        return count == 3;
    case CLI_PAIRS:
        return count >= 3 && count % 2 == 1;
    case CLI_SHAPES:
        break;
    }
    return false;
}

bool cli_command_is_of_prompt(const struct cli_command *command)
{
    return command->shape < CLI_BATCH;
}

struct offers {
    struct cli_suggestion meant;
    char names[256];
    size_t used;
};

static void offer(struct offers *offers, const char *name)
{
    cli_suggestion_offer(&offers->meant, name);
    offers->used +=
        (size_t)snprintf(offers->names + offers->used, sizeof offers->names - offers->used, "%s%s",
                         offers->used ? ", " : "", name);
}

int cli_command_refuse(struct weft_view name, enum cli_shape below, const char *const *others,
                       struct weft_error *error)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    struct offers offers = {.used = 0};
    cli_suggestion_init(&offers.meant, name);
    for (const struct cli_command *command = commands; command->name; command++) {
        if (command->shape < below)
            offer(&offers, command->name);
    }
    for (; others && *others; others++)
        offer(&offers, *others);
    const char *meant = offers.meant.name;
    return weft_error_set(
        error, WEFT_ECONFIG, "unknown command %s; %s%s%s", weft_log_quote(name, quoted),
        meant ? "did you mean " : "there are: ", meant ? meant : offers.names, meant ? "?" : "");
}

const struct cli_command *cli_command_named(const char *name)
{
    for (const struct cli_command *command = commands; command->name; command++) {
        if (strcasecmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

const struct cli_command *cli_command_find(const char *name, struct weft_error *error)
{
    const struct cli_command *command = cli_command_named(name);
    if (!command)
        (void)cli_command_refuse(weft_view_str(name), CLI_SHAPES, NULL, error);
    return command;
}

const struct cli_command *cli_command_find_request(const char *name, size_t count,
                                                   struct weft_error *error)
{
    const struct cli_command *command = cli_command_named(name);
    if (!command) {
        (void)cli_command_refuse(weft_view_str(name), CLI_HELP, NULL, error);
        return NULL;
    }
    if (command->shape >= CLI_HELP) {
        weft_error_set(error, WEFT_ECONFIG, "%s is a command of kvc's command line only",
                       command->name);
        return NULL;
    }
    return cli_command_check(command, count, error) < 0 ? NULL : command;
}

int cli_command_check(const struct cli_command *command, size_t count, struct weft_error *error)
{
    if (count_fits(command->shape, count))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "wrong number of arguments; usage: kvc %s%s%s",
                          command->name, command->shape == CLI_NOTHING ? "" : " ",
                          cli_shape_arguments(command->shape));
}

static int take_text(const char *what, const char *word, struct weft_view *text,
                     struct weft_error *error)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    *text = weft_view_str(word);
    if (weft_utf8_valid(*text))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "%s %s: not valid UTF-8", what,
                          weft_log_quote(*text, quoted));
}

static int take_keys(struct cli_invocation *invocation, char *const *words, size_t count,
                     struct weft_error *error)
{
    invocation->keys = weft_calloc(count, sizeof *invocation->keys);
    if (!invocation->keys)
        return weft_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        int err = take_text("key", words[i], &invocation->keys[i], error);
        if (err < 0)
            return err;
    }
    invocation->request.keys = invocation->keys;
    invocation->request.key_count = count;
    return 0;
}

static int take_pairs(struct cli_invocation *invocation, char *const *words, size_t count,
                      const struct cli_value_source *source, struct weft_error *error)
{
    invocation->pairs = weft_calloc(count, sizeof *invocation->pairs);
    invocation->memory = weft_calloc(count, sizeof *invocation->memory);
    if (!invocation->pairs || !invocation->memory)
        return weft_error_set(error, -ENOMEM, "out of memory");
    invocation->request.pairs = invocation->pairs;
    for (size_t i = 0; i < count; i++) {
        struct weft_kv_pair *pair = &invocation->pairs[i];
        int err = take_text("key", words[2 * i], &pair->key, error);
        if (err == 0)
            err = cli_value_parse(weft_view_str(words[2 * i + 1]), source, &pair->value,
                                  &invocation->memory[i], error);
        if (err < 0)
            return err;
        struct weft_view word = weft_view_str(words[2 * i + 1]);
        if (invocation->doubtful.size == 0 && cli_text_meant(word))
            invocation->doubtful = word;
        invocation->request.pair_count++;
    }
    return 0;
}

int cli_invocation_take_cursor(struct cli_invocation *invocation, struct weft_view text,
                               struct weft_error *error)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    int err = cli_base64_read(text, &invocation->cursor);
    if (err == -ENOMEM)
        return weft_error_set(error, err, "out of memory");
    if (err < 0)
        return weft_error_set(error, WEFT_ECONFIG, "cursor %s: not one that hscan has printed",
                              weft_log_quote(text, quoted));
    invocation->request.cursor = weft_view(invocation->cursor.data, invocation->cursor.size);
    return 0;
}

/* words: [CURSOR [LIMIT]]. */
static int take_page(struct cli_invocation *invocation, char *const *words, size_t count,
                     struct weft_error *error)
{
    uint64_t limit = 0;
    char quoted[WEFT_LOG_QUOTE_TEXT];
    int err = cli_invocation_take_cursor(invocation, weft_view_str(words[0]), error);
    if (err < 0)
        return err;
    if (count > 1 && (weft_parse_count(words[1], &limit) < 0 || limit > UINT32_MAX))
        return weft_error_set(error, WEFT_ECONFIG, "limit %s: not a number from 0 to %u",
                              weft_log_quote(weft_view_str(words[1]), quoted), UINT32_MAX);
    invocation->request.limit = (uint32_t)limit;
    return 0;
}

/* Reads the words that follow the command. */
static int take_arguments(struct cli_invocation *invocation, char *const *words, size_t count,
                          const struct cli_value_source *source, struct weft_error *error)
{
    if (count == 0)
        return 0;
    int err = take_text("table", words[0], &invocation->request.table, error);
    if (err < 0 || count == 1)
        return err;
    enum cli_shape shape = invocation->command->shape;
    if (shape == CLI_PAGE)
        return take_page(invocation, words + 1, count - 1, error);
    if (shape == CLI_PAIR || shape == CLI_PAIRS)
        return take_pairs(invocation, words + 1, (count - 1) / 2, source, error);
    return take_keys(invocation, words + 1, count - 1, error);
}

/* ping asks whether the empty key is in the empty table: as small as a request can be. */
static void fill_ping(struct cli_invocation *invocation)
{
    static const struct weft_view no_key = {0};
    invocation->request.keys = &no_key;
    invocation->request.key_count = 1;
}

int cli_invocation_init(struct cli_invocation *invocation, char *const *words, size_t count,
                        const struct cli_value_source *source, struct weft_error *error)
{
    *invocation = (struct cli_invocation){0};
    if (count == 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "no command given: kvc [OPTION]... COMMAND "
                              "ARGUMENT..., see --help");
    invocation->command = cli_command_find_request(words[0], count - 1, error);
    if (!invocation->command)
        return WEFT_ECONFIG;
    enum cli_shape shape = invocation->command->shape;
    invocation->request.op = invocation->command->op;
    if (shape == CLI_NOTHING)
        fill_ping(invocation);
    int err = take_arguments(invocation, words + 1, count - 1, source, error);
    if (err < 0)
        cli_invocation_fini(invocation);
    return err;
}

bool cli_invocation_warn(const struct cli_invocation *invocation, char *dst)
{
    return cli_text_warn(invocation->doubtful, dst);
}

void cli_invocation_fini(struct cli_invocation *invocation)
{
    for (size_t i = 0; i < invocation->request.pair_count; i++)
        weft_bytes_fini(&invocation->memory[i]);
    weft_free(invocation->keys);
    weft_free(invocation->pairs);
    weft_free(invocation->memory);
    weft_bytes_fini(&invocation->cursor);
    *invocation = (struct cli_invocation){0};
}
