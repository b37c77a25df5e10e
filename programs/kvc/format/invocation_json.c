/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "core/base/mem.h"
#include "json.h"

static int take_text(const json_t *json, struct weft_view *text, struct weft_error *error)
{
    if (!json_is_string(json))
        return weft_error_set(error, WEFT_ECONFIG,
                              "commands, tables, keys and cursors are strings");
    *text = weft_view(json_string_value(json), json_string_length(json));
    return 0;
}

static int take_keys(struct cli_invocation *invocation, const json_t *words, size_t count,
                     struct weft_error *error)
{
    invocation->keys = weft_calloc(count, sizeof *invocation->keys);
    if (!invocation->keys)
        return weft_error_set(error, -ENOMEM, "out of memory");
    invocation->request.keys = invocation->keys;
    for (size_t i = 0; i < count; i++) {
        int err = take_text(json_array_get(words, i + 2), &invocation->keys[i], error);
        if (err < 0)
            return err;
        invocation->request.key_count++;
    }
    return 0;
}

static int take_pairs(struct cli_invocation *invocation, const json_t *words, size_t count,
                      struct weft_error *error)
{
    invocation->pairs = weft_calloc(count, sizeof *invocation->pairs);
    invocation->memory = weft_calloc(count, sizeof *invocation->memory);
    if (!invocation->pairs || !invocation->memory)
        return weft_error_set(error, -ENOMEM, "out of memory");
    invocation->request.pairs = invocation->pairs;
    for (size_t i = 0; i < count; i++) {
        struct weft_kv_pair *pair = &invocation->pairs[i];
        int err = take_text(json_array_get(words, 2 * i + 2), &pair->key, error);
        if (err == 0)
            err = cli_json_read_value(json_array_get(words, 2 * i + 3), &pair->value,
                                      &invocation->memory[i], error);
        if (err < 0)
            return err;
        invocation->request.pair_count++;
    }
    return 0;
}

/* [CURSOR [LIMIT]], the cursor as --json prints it. */
static int take_page(struct cli_invocation *invocation, const json_t *words, size_t count,
                     struct weft_error *error)
{
    struct weft_view cursor;
    int err = take_text(json_array_get(words, 2), &cursor, error);
    if (err == 0)
        err = cli_invocation_take_cursor(invocation, cursor, error);
    if (err < 0 || count < 3)
        return err;
    const json_t *limit = json_array_get(words, 3);
    if (!json_is_integer(limit) || json_integer_value(limit) < 0 ||
        json_integer_value(limit) > UINT32_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "hscan's limit is a number from 0 to %u",
                              UINT32_MAX);
    invocation->request.limit = (uint32_t)json_integer_value(limit);
    return 0;
}

static int take_arguments(struct cli_invocation *invocation, const json_t *words, size_t count,
                          struct weft_error *error)
{
    static const struct weft_view no_key = {0};
    enum cli_shape shape = invocation->command->shape;
    if (shape == CLI_NOTHING) {
        invocation->request.keys = &no_key;
        invocation->request.key_count = 1;
        return 0;
    }
    int err = take_text(json_array_get(words, 1), &invocation->request.table, error);
    if (err < 0 || count == 1)
        return err;
    if (shape == CLI_PAGE)
        return take_page(invocation, words, count, error);
    if (shape == CLI_PAIR || shape == CLI_PAIRS)
        return take_pairs(invocation, words, (count - 1) / 2, error);
    return take_keys(invocation, words, count - 1, error);
}

int cli_invocation_init_json(struct cli_invocation *invocation, const json_t *words,
                             struct weft_error *error)
{
    *invocation = (struct cli_invocation){0};
    const json_t *name = json_array_get(words, 0);
    if (!json_is_string(name))
        return weft_error_set(error, WEFT_ECONFIG,
                              "a command is an array: [\"hset\", \"table\", \"key\", 42]");
    size_t count = json_array_size(words) - 1;
    invocation->command = cli_command_find_request(json_string_value(name), count, error);
    if (!invocation->command)
        return WEFT_ECONFIG;
    invocation->request.op = invocation->command->op;
    int err = take_arguments(invocation, words, count, error);
    if (err < 0)
        cli_invocation_fini(invocation);
    return err;
}
