/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "core/base/mem.h"
#include "json.h"

enum { SCALAR_TEXT = 64 };

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
        invocation->values = ++invocation->request.pair_count;
    }
    return 0;
}

/* [CURSOR [LIMIT]] behind the table or prefix, the cursor as --json prints it. */
static int take_page(struct cli_invocation *invocation, const json_t *words, size_t count,
                     struct weft_error *error)
{
    struct weft_view cursor;
    if (count < 2)
        return 0;
    int err = take_text(json_array_get(words, 2), &cursor, error);
    if (err == 0)
        err = cli_invocation_take_cursor(invocation, cursor, error);
    if (err < 0 || count < 3)
        return err;
    const json_t *limit = json_array_get(words, 3);
    if (!json_is_integer(limit) || json_integer_value(limit) < 0 ||
        json_integer_value(limit) > UINT32_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "%s's limit is a number from 0 to %u",
                              invocation->command->name, UINT32_MAX);
    invocation->request.limit = (uint32_t)json_integer_value(limit);
    return 0;
}

static int take_delta(struct cli_invocation *invocation, const json_t *number,
                      struct weft_error *error)
{
    struct weft_kv_value *delta = &invocation->request.delta;
    struct weft_bytes none = {0};
    int err = number ? cli_json_read_value(number, delta, &none, error) : 0;
    weft_bytes_fini(&none);
    if (err < 0 || delta->type == WEFT_KV_INTEGER || delta->type == WEFT_KV_FLOAT)
        return err;
    return weft_error_set(error, WEFT_ECONFIG, "hincr adds an integer or a float");
}

/* Writes a scalar as the text that it would be on a command line. False: it is none. */
static bool text_of_scalar(const json_t *json, char *text, size_t size)
{
    int length = -1;
    if (json_is_string(json))
        length = strlen(json_string_value(json)) == json_string_length(json)
                     ? snprintf(text, size, "%s", json_string_value(json))
                     : -1;
    else if (json_is_integer(json))
        length = snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    else if (json_is_real(json))
        length = snprintf(text, size, "%.9f", json_real_value(json));
    return length >= 0 && (size_t)length < size;
}

static int take_time(struct cli_invocation *invocation, const json_t *time,
                     struct weft_error *error)
{
    char text[SCALAR_TEXT];
    if (!text_of_scalar(time, text, sizeof text))
        return weft_error_set(error, WEFT_ECONFIG, "a time is a number of seconds or a text");
    return cli_invocation_take_time(invocation, text, error);
}

/* A text outlives the call, since prefix and pattern are borrowed; a number is only read. */
static int take_option(struct cli_invocation *invocation, const char *name, const json_t *value,
                       struct weft_error *error)
{
    char text[SCALAR_TEXT];
    if (json_is_false(value))
        return 0;
    if (json_is_true(value))
        return cli_line_set_option(&invocation->line, name, NULL, error);
    if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value))
        return cli_line_set_option(&invocation->line, name, json_string_value(value), error);
    if (!text_of_scalar(value, text, sizeof text))
        return weft_error_set(error, WEFT_ECONFIG, "option '%.40s': neither true nor a text", name);
    return cli_line_set_option(&invocation->line, name, text, error);
}

/* {"ttl": "10s", "if_absent": true} behind the words of a command. */
static int take_options(struct cli_invocation *invocation, const json_t *options,
                        struct weft_error *error)
{
    int err = 0;
    for (void *at = json_object_iter((json_t *)(uintptr_t)options); at && err == 0;
         at = json_object_iter_next((json_t *)(uintptr_t)options, at))
        err = take_option(invocation, json_object_iter_key(at), json_object_iter_value(at), error);
    return err;
}

/* True if the last word is an object with options, and no value that an object can be. */
static bool has_options(const struct cli_command *command, const json_t *words, size_t count)
{
    const json_t *last = json_array_get(words, count);
    if (!json_is_object(last) || command->options == 0)
        return false;
    if (command->shape == CLI_PAIR)
        return count == 4;
    return command->shape != CLI_PAIRS || count % 2 == 0;
}

/* Reads what is behind the key of hincr or hexpire. */
static int take_key_and(struct cli_invocation *invocation, const json_t *words,
                        struct weft_error *error)
{
    const json_t *behind = json_array_get(words, 3);
    int err = take_keys(invocation, words, 1, error);
    if (err < 0)
        return err;
    return invocation->command->shape == CLI_SUM ? take_delta(invocation, behind, error)
                                                 : take_time(invocation, behind, error);
}

static int take_values(struct cli_invocation *invocation, const json_t *words, size_t count,
                       struct weft_error *error)
{
    int err = cli_invocation_make_values(invocation, count, error);
    for (size_t i = 0; err == 0 && i < count; i++)
        err = cli_json_read_value(json_array_get(words, i + 2), &invocation->published[i],
                                  &invocation->memory[i], error);
    return err;
}

static int take_arguments(struct cli_invocation *invocation, const json_t *words, size_t count,
                          struct weft_error *error)
{
    struct weft_kv_request *request = &invocation->request;
    enum cli_shape shape = invocation->command->shape;
    if (count == 0)
        return 0;
    int err = take_text(json_array_get(words, 1),
                        shape == CLI_NAMES ? &request->prefix : &request->table, error);
    if (err < 0 || count == 1)
        return err;
    if (shape == CLI_NAMES)
        return take_page(invocation, words, count, error);
    if (shape == CLI_VALUES)
        return take_values(invocation, words, count - 1, error);
    if (shape == CLI_SUM || shape == CLI_EXPIRE)
        return take_key_and(invocation, words, error);
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
    const struct cli_command *command = cli_command_named(json_string_value(name));
    const json_t *options =
        command && has_options(command, words, count) ? json_array_get(words, count--) : NULL;
    command = cli_command_find_request(json_string_value(name), count, error);
    if (!command)
        return WEFT_ECONFIG;
    cli_invocation_begin(invocation, command);
    int err = take_arguments(invocation, words, count, error);
    if (err == 0 && options)
        err = take_options(invocation, options, error);
    if (err == 0)
        err = cli_invocation_apply_options(invocation, error);
    if (err < 0)
        cli_invocation_fini(invocation);
    return err;
}
