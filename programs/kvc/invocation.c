/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <strings.h>

#include "command.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/units.h"
#include "format/base64.h"

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

int cli_invocation_make_values(struct cli_invocation *invocation, size_t count,
                               struct weft_error *error)
{
    invocation->published = weft_calloc(count, sizeof *invocation->published);
    invocation->memory = weft_calloc(count, sizeof *invocation->memory);
    if (!invocation->published || !invocation->memory)
        return weft_error_set(error, -ENOMEM, "out of memory");
    invocation->values = count;
    invocation->request.values = invocation->published;
    invocation->request.value_count = count;
    return 0;
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
        invocation->values = ++invocation->request.pair_count;
    }
    return 0;
}

static int take_values(struct cli_invocation *invocation, char *const *words, size_t count,
                       const struct cli_value_source *source, struct weft_error *error)
{
    int err = cli_invocation_make_values(invocation, count, error);
    for (size_t i = 0; err == 0 && i < count; i++) {
        struct weft_view word = weft_view_str(words[i]);
        err =
            cli_value_parse(word, source, &invocation->published[i], &invocation->memory[i], error);
        if (invocation->doubtful.size == 0 && cli_text_meant(word))
            invocation->doubtful = word;
    }
    return err;
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

int cli_invocation_take_time(struct cli_invocation *invocation, const char *text,
                             struct weft_error *error)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    struct weft_kv_expiry *expiry = &invocation->request.expiry;
    expiry->when = WEFT_KV_EXPIRE_NEVER;
    if (strcasecmp(text, "never") == 0)
        return 0;
    expiry->when = WEFT_KV_EXPIRE_AFTER;
    if (cli_parse_milliseconds(text, &expiry->milliseconds))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG,
                          "time %s: neither never nor seconds over 0, as 10, 0.25, 500ms or 2h",
                          weft_log_quote(weft_view_str(text), quoted));
}

/* Reads what is added: "5", "-0.5", "int:5", "float:1". */
static int take_delta(struct cli_invocation *invocation, const char *text, struct weft_error *error)
{
    struct weft_kv_value *delta = &invocation->request.delta;
    struct weft_view word = weft_view_str(text);
    struct weft_bytes none = {0};
    char quoted[WEFT_LOG_QUOTE_TEXT];
    struct weft_error ignored;
    if (cli_value_parse_as("int:", word, delta, &none, &ignored) == 0 ||
        cli_value_parse_as("float:", word, delta, &none, &ignored) == 0)
        return 0;
    int err = cli_value_parse(word, NULL, delta, &none, &ignored);
    if (err == 0 && (delta->type == WEFT_KV_INTEGER || delta->type == WEFT_KV_FLOAT))
        return 0;
    weft_bytes_fini(&none);
    return weft_error_set(error, WEFT_ECONFIG, "number %s: neither an integer nor a float",
                          weft_log_quote(word, quoted));
}

/* words: KEY and perhaps one word more. */
static int take_key_and(struct cli_invocation *invocation, char *const *words, size_t count,
                        struct weft_error *error)
{
    int err = take_keys(invocation, words, 1, error);
    if (err < 0)
        return err;
    if (invocation->command->shape == CLI_EXPIRE)
        return cli_invocation_take_time(invocation, words[1], error);
    return count > 1 ? take_delta(invocation, words[1], error) : 0;
}

/* words: [PREFIX [CURSOR [LIMIT]]]. */
static int take_names(struct cli_invocation *invocation, char *const *words, size_t count,
                      struct weft_error *error)
{
    int err = count > 0 ? take_text("prefix", words[0], &invocation->request.prefix, error) : 0;
    return err < 0 || count < 2 ? err : take_page(invocation, words + 1, count - 1, error);
}

/* Reads the words that follow the command. */
static int take_arguments(struct cli_invocation *invocation, char *const *words, size_t count,
                          const struct cli_value_source *source, struct weft_error *error)
{
    enum cli_shape shape = invocation->command->shape;
    if (shape == CLI_NAMES)
        return take_names(invocation, words, count, error);
    if (count == 0)
        return 0;
    int err = take_text("table", words[0], &invocation->request.table, error);
    if (err < 0 || count == 1)
        return err;
    if (shape == CLI_VALUES)
        return take_values(invocation, words + 1, count - 1, source, error);
    if (shape == CLI_SUM || shape == CLI_EXPIRE)
        return take_key_and(invocation, words + 1, count - 1, error);
    if (shape == CLI_PAGE)
        return take_page(invocation, words + 1, count - 1, error);
    if (shape == CLI_PAIR || shape == CLI_PAIRS)
        return take_pairs(invocation, words + 1, (count - 1) / 2, source, error);
    return take_keys(invocation, words + 1, count - 1, error);
}

void cli_invocation_begin(struct cli_invocation *invocation, const struct cli_command *command)
{
    /* ping asks whether the empty key is in the empty table: as small as a request can be. */
    static const struct weft_view no_key = {0};
    struct weft_kv_request *request = &invocation->request;
    invocation->command = command;
    request->op = command->op;
    if (command->shape == CLI_NOTHING) {
        request->keys = &no_key;
        request->key_count = 1;
    } else if (command->shape == CLI_SUM) {
        request->delta = (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = 1};
    } else if (command->op == WEFT_KV_HEXPIRE && command->writes) {
        request->expiry.when = WEFT_KV_EXPIRE_NEVER;
    }
}

int cli_invocation_init_with(struct cli_invocation *invocation, char *const *words, size_t count,
                             const struct cli_command_options *options,
                             const struct cli_value_source *source, struct weft_error *error)
{
    *invocation = (struct cli_invocation){.line.options = *options};
    if (count == 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "no command given: kvc [OPTION]... COMMAND "
                              "ARGUMENT..., see --help");
    const struct cli_command *command = cli_command_find_request(words[0], count - 1, error);
    if (!command)
        return WEFT_ECONFIG;
    cli_invocation_begin(invocation, command);
    int err = take_arguments(invocation, words + 1, count - 1, source, error);
    if (err == 0)
        err = cli_invocation_apply_options(invocation, error);
    if (err < 0)
        cli_invocation_fini(invocation);
    return err;
}

int cli_invocation_init(struct cli_invocation *invocation, char *const *words, size_t count,
                        const struct cli_value_source *source, struct weft_error *error)
{
    *invocation = (struct cli_invocation){0};
    const struct cli_command *command = count > 0 ? cli_command_named(words[0]) : NULL;
    struct cli_request_line line = {0};
    char **kept = weft_calloc(count + 1, sizeof *kept);
    if (!kept)
        return weft_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++)
        kept[i] = words[i];
    int err = command ? cli_line_take_options(&line, command->options, kept, &count, error) : 0;
    if (err == 0)
        err = cli_invocation_init_with(invocation, kept, count, &line.options, source, error);
    weft_free(kept);
    return err;
}

/* Returns an option that was given and that the command does not take, as a text for people, or NULL. */
static const char *odd_option(const struct cli_invocation *invocation)
{
    unsigned odd = invocation->line.options.given & ~invocation->command->options;
    return odd & CLI_TAKES_EXPIRY
               ? "--ttl, --expire-at and --keep-ttl are options of hset and hmset"
           : odd & CLI_TAKES_CONDITION
               ? "--if-absent and --if-present are options of hset and hmset"
           : odd & CLI_TAKES_VERSION ? "--if-version is an option of hset, hmset, hdel and hmdel"
           : odd & CLI_TAKES_STATE   ? "--state is an option of hget, hmget and watch"
           : odd & CLI_TAKES_FILTER  ? "--prefix, --match and --keys-only are options of hscan"
                                     : NULL;
}

/* Makes changes of the keys or pairs of a request. */
static int make_changes(struct cli_invocation *invocation, struct weft_error *error)
{
    const struct cli_command_options *options = &invocation->line.options;
    struct weft_kv_request *request = &invocation->request;
    size_t count = request->key_count + request->pair_count;
    struct weft_kv_change *changes = weft_calloc(count, sizeof *changes);
    if (!changes)
        return weft_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        bool stores = request->pair_count > 0;
        changes[i] = (struct weft_kv_change){
            .key = stores ? request->pairs[i].key : request->keys[i],
            .what = stores ? WEFT_KV_STORE : WEFT_KV_REMOVE,
            .expiry = options->expiry,
            .condition = options->condition,
            .version = weft_view(invocation->line.options.version, CLI_VERSION_SIZE),
        };
        if (stores)
            changes[i].value = request->pairs[i].value;
    }
    invocation->changes = changes;
    *request = (struct weft_kv_request){
        .op = WEFT_KV_HPUT, .table = request->table, .changes = changes, .change_count = count};
    return 0;
}

int cli_invocation_apply_options(struct cli_invocation *invocation, struct weft_error *error)
{
    const struct cli_command_options *options = &invocation->line.options;
    struct weft_kv_request *request = &invocation->request;
    const char *odd = odd_option(invocation);
    if (odd)
        return weft_error_set(error, WEFT_ECONFIG, "%s", odd);
    if (options->given & (CLI_TAKES_EXPIRY | CLI_TAKES_CONDITION | CLI_TAKES_VERSION))
        return make_changes(invocation, error);
    request->state = options->given & CLI_TAKES_STATE;
    if (options->prefix)
        request->prefix = weft_view_str(options->prefix);
    if (options->match)
        request->match = weft_view_str(options->match);
    request->keys_only = options->keys_only;
    return 0;
}

bool cli_invocation_warn(const struct cli_invocation *invocation, char *dst)
{
    return cli_text_warn(invocation->doubtful, dst);
}

void cli_invocation_fini(struct cli_invocation *invocation)
{
    for (size_t i = 0; i < invocation->values; i++)
        weft_bytes_fini(&invocation->memory[i]);
    weft_free(invocation->keys);
    weft_free(invocation->pairs);
    weft_free(invocation->published);
    weft_free(invocation->changes);
    weft_free(invocation->memory);
    weft_bytes_fini(&invocation->cursor);
    *invocation = (struct cli_invocation){0};
}
