/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "base64.h"
#include "value.h"

int cli_reply_check(const struct weft_kv_request *request, const struct weft_kv_reply *reply,
                    struct weft_error *error)
{
    if (request->op == WEFT_KV_HGETALL || request->op == WEFT_KV_HSCAN)
        return 0;
    size_t asked = request->key_count + request->pair_count;
    if (reply->value_count != asked)
        return weft_error_set(error, WEFT_EMALFORMED, "the server answered %zu values for %zu keys",
                              reply->value_count, asked);
    if (request->op != WEFT_KV_HEXIST && request->op != WEFT_KV_HMEXIST)
        return 0;
    for (size_t i = 0; i < asked; i++) {
        if (reply->values[i].type != WEFT_KV_BOOL)
            return weft_error_set(error, WEFT_EMALFORMED,
                                  "the server did not answer true or false");
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    struct weft_view x = (*(const struct weft_kv_pair *const *)a)->key;
    struct weft_view y = (*(const struct weft_kv_pair *const *)b)->key;
    size_t shorter = x.size < y.size ? x.size : y.size;
    int order = shorter > 0 ? memcmp(x.data, y.data, shorter) : 0;
    return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
}

const struct weft_kv_pair **cli_reply_pairs(const struct weft_kv_reply *reply, bool sorted)
{
    const struct weft_kv_pair **pairs = weft_calloc(reply->pair_count, sizeof *pairs);
    if (!pairs)
        return NULL;
    for (size_t i = 0; i < reply->pair_count; i++)
        pairs[i] = &reply->pairs[i];
    if (sorted)
        qsort(pairs, reply->pair_count, sizeof *pairs, compare_keys);
    return pairs;
}

const char *cli_reply_advice(const struct cli_command *command, const struct weft_kv_reply *reply)
{
    bool is_too_big = reply->status == 413 && command->shape == CLI_TABLE;
    return is_too_big ? CLI_TABLE_ADVICE : NULL;
}

static int print_pairs(FILE *out, const struct weft_kv_reply *reply)
{
    const struct weft_kv_pair **pairs = cli_reply_pairs(reply, true);
    if (!pairs)
        return -ENOMEM;
    for (size_t i = 0; i < reply->pair_count; i++) {
        cli_text_print_as(out, pairs[i]->key, CLI_ESCAPE_LINE);
        fputc('\t', out);
        cli_value_print_typed(out, &pairs[i]->value, CLI_ESCAPE_LINE);
        fputc('\n', out);
    }
    weft_free(pairs);
    return 0;
}

static bool asks_whether(const struct cli_command *command)
{
    return command->op == WEFT_KV_HEXIST || command->op == WEFT_KV_HMEXIST;
}

void cli_reply_print_item(FILE *out, const struct cli_command *command,
                          const struct weft_kv_value *value, enum cli_escape escape)
{
    if (asks_whether(command))
        cli_value_print(out, value, false);
    else
        cli_value_print_typed(out, value, escape);
}

int cli_reply_print(FILE *out, const struct cli_command *command, const struct weft_kv_reply *reply,
                    bool terminal)
{
    bool is_single = command->shape == CLI_KEY || command->shape == CLI_PAIR;
    enum cli_escape escape = !is_single ? CLI_ESCAPE_LINE
                             : terminal ? CLI_ESCAPE_CONTROLS
                                        : CLI_ESCAPE_NONE;
    if (reply->pair_count > 0)
        return print_pairs(out, reply);
    for (size_t i = 0; i < reply->value_count; i++) {
        cli_reply_print_item(out, command, &reply->values[i], escape);
        fputc('\n', out);
    }
    return 0;
}

void cli_reply_print_raw(FILE *out, const struct weft_kv_reply *reply)
{
    const struct weft_kv_value *value = &reply->values[0];
    if (value->type == WEFT_KV_BINARY)
        cli_text_print_as(out, value->bytes, CLI_ESCAPE_NONE);
    else
        cli_value_print(out, value, false);
}

void cli_reply_print_cursor(FILE *err, const struct weft_kv_reply *reply)
{
    if (reply->cursor.size == 0)
        return;
    fputs("kvc: there is more: give hscan the cursor ", err);
    cli_base64_print(err, reply->cursor);
    fputc('\n', err);
}
