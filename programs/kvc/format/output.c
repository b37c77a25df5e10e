/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "base64.h"
#include "value.h"

int cli_reply_check(const struct weft_kv_request *request, const struct weft_kv_reply *reply,
                    struct weft_error *error)
{
    if (request->op == WEFT_KV_HGETALL || request->op == WEFT_KV_HSCAN ||
        request->op == WEFT_KV_TABLES)
        return 0;
    bool whole = request->op == WEFT_KV_COUNT || request->op == WEFT_KV_DROP ||
                 request->op == WEFT_KV_PUBLISH;
    size_t asked = whole ? 1 : request->key_count + request->pair_count + request->change_count;
    if (reply->value_count != asked)
        return weft_error_set(error, WEFT_EMALFORMED, "the server answered %zu values for %zu keys",
                              reply->value_count, asked);
    /* A line that answers hexpire has no states. */
    bool may_lack = request->expiry.when != WEFT_KV_EXPIRE_UNSAID && reply->state_count == 0;
    if (request->op == WEFT_KV_HEXPIRE && reply->state_count != asked && !may_lack)
        return weft_error_set(error, WEFT_EMALFORMED, "the server answered %zu states for %zu keys",
                              reply->state_count, asked);
    if (request->op != WEFT_KV_HEXIST && request->op != WEFT_KV_HMEXIST &&
        request->op != WEFT_KV_HEXPIRE)
        return 0;
    for (size_t i = 0; i < asked; i++) {
        if (reply->values[i].type != WEFT_KV_BOOL)
            return weft_error_set(error, WEFT_EMALFORMED,
                                  "the server did not answer true or false");
    }
    return 0;
}

static int compare_views(struct weft_view x, struct weft_view y)
{
    size_t shorter = x.size < y.size ? x.size : y.size;
    int order = shorter > 0 ? memcmp(x.data, y.data, shorter) : 0;
    return order != 0 ? order : (x.size > y.size) - (x.size < y.size);
}

static int compare_keys(const void *a, const void *b)
{
    return compare_views((*(const struct weft_kv_pair *const *)a)->key,
                         (*(const struct weft_kv_pair *const *)b)->key);
}

static int compare_names(const void *a, const void *b)
{
    return compare_views((*(const struct weft_kv_table *const *)a)->name,
                         (*(const struct weft_kv_table *const *)b)->name);
}

const struct weft_kv_table **cli_reply_tables(const struct weft_kv_reply *reply)
{
    const struct weft_kv_table **tables = weft_calloc(reply->table_count, sizeof *tables);
    if (!tables)
        return NULL;
    for (size_t i = 0; i < reply->table_count; i++)
        tables[i] = &reply->tables[i];
    qsort(tables, reply->table_count, sizeof *tables, compare_names);
    return tables;
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
    if (reply->status == 401)
        return "--user NAME logs in";
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

static int print_tables(FILE *out, const struct weft_kv_reply *reply)
{
    const struct weft_kv_table **tables = cli_reply_tables(reply);
    if (!tables)
        return -ENOMEM;
    for (size_t i = 0; i < reply->table_count; i++) {
        cli_text_print_as(out, tables[i]->name, CLI_ESCAPE_LINE);
        fprintf(out, "\t%" PRIu64 "\n", tables[i]->count);
    }
    weft_free(tables);
    return 0;
}

/* True if a command answers bools or numbers and nothing else, which need no type before them. */
static bool has_one_type(const struct cli_command *command)
{
    switch (command->op) {
    case WEFT_KV_HEXIST:
    case WEFT_KV_HMEXIST:
    case WEFT_KV_HINCR:
    case WEFT_KV_HEXPIRE:
    case WEFT_KV_COUNT:
    case WEFT_KV_NUMBER:
    case WEFT_KV_DROP:
    case WEFT_KV_PUBLISH:
        return true;
    default:
        return false;
    }
}

void cli_state_print_left(FILE *out, const struct weft_kv_state *state)
{
    if (state->left == 0)
        fputs("never", out);
    else
        fprintf(out, "%" PRIu64 ".%03u", state->left / 1000, (unsigned)(state->left % 1000));
}

void cli_version_print(FILE *out, struct weft_view version)
{
    for (size_t i = 0; i < version.size; i++)
        fprintf(out, "%02x", version.data[i]);
}

const struct weft_kv_state *cli_reply_unmet(const struct weft_kv_reply *reply)
{
    for (size_t i = 0; i < reply->state_count; i++) {
        if (reply->states[i].unmet)
            return &reply->states[i];
    }
    return NULL;
}

void cli_reply_print_unmet(FILE *out, const struct weft_kv_reply *reply)
{
    const struct weft_kv_state *state = cli_reply_unmet(reply);
    if (!state)
        return;
    if (state->version.size == 0) {
        fputs("; it is not there", out);
        return;
    }
    fputs("; it has version ", out);
    cli_version_print(out, state->version);
}

bool cli_command_is_single(const struct cli_command *command)
{
    return command->shape == CLI_KEY || command->shape == CLI_PAIR || command->shape == CLI_SUM ||
           command->shape == CLI_EXPIRE || command->shape == CLI_WHOLE;
}

/* httl: a key that is not there has no time. */
static void print_left(FILE *out, const struct weft_kv_reply *reply, size_t index)
{
    if (reply->values[index].boolean)
        cli_state_print_left(out, &reply->states[index]);
    else
        fputs("absent", out);
}

void cli_reply_print_item(FILE *out, const struct cli_command *command,
                          const struct weft_kv_reply *reply, size_t index, enum cli_escape escape)
{
    const struct weft_kv_value *value = &reply->values[index];
    if (command->op == WEFT_KV_HEXPIRE && !command->writes) {
        print_left(out, reply, index);
    } else if (has_one_type(command)) {
        cli_value_print(out, value, false);
    } else {
        bool has_state = index < reply->state_count;
        cli_value_print_typed(out, value, has_state ? CLI_ESCAPE_LINE : escape);
        if (has_state && reply->states[index].version.size > 0) {
            fputc('\t', out);
            cli_version_print(out, reply->states[index].version);
            fputc('\t', out);
            cli_state_print_left(out, &reply->states[index]);
        }
    }
}

int cli_reply_print_keys(FILE *out, const struct weft_kv_reply *reply)
{
    const struct weft_kv_pair **pairs = cli_reply_pairs(reply, true);
    if (!pairs)
        return -ENOMEM;
    for (size_t i = 0; i < reply->pair_count; i++) {
        cli_text_print_as(out, pairs[i]->key, CLI_ESCAPE_LINE);
        fputc('\n', out);
    }
    weft_free(pairs);
    return 0;
}

int cli_reply_print(FILE *out, const struct cli_command *command, const struct weft_kv_reply *reply,
                    bool terminal)
{
    enum cli_escape escape = !cli_command_is_single(command) ? CLI_ESCAPE_LINE
                             : terminal                      ? CLI_ESCAPE_CONTROLS
                                                             : CLI_ESCAPE_NONE;
    if (reply->table_count > 0)
        return print_tables(out, reply);
    if (reply->pair_count > 0)
        return print_pairs(out, reply);
    for (size_t i = 0; i < reply->value_count; i++) {
        cli_reply_print_item(out, command, reply, i, escape);
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

void cli_reply_print_cursor(FILE *err, const struct cli_command *command,
                            const struct weft_kv_reply *reply)
{
    if (reply->cursor.size == 0)
        return;
    fprintf(err, "kvc: there is more: give %s the cursor ", command->name);
    cli_base64_print(err, reply->cursor);
    fputc('\n', err);
}
