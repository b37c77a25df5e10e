/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "base64.h"
#include "output.h"
#include "value.h"
#include "services/payload/json/writer.h"

/* RFC 7493, section 2.2: what a double holds exactly. */
static const int64_t exact_max = ((int64_t)1 << 53) - 1;

/* Text that needs no escape goes out in one piece. */
void cli_json_print_string(FILE *out, struct weft_view text)
{
    fputc('"', out);
    while (text.size > 0) {
        uint8_t escape[WEFT_JSON_ESCAPE_MAX];
        size_t plain = weft_json_plain(text), taken = 0;
        if (plain > 0)
            fwrite(text.data, 1, plain, out);
        text = weft_view_skip(text, plain);
        if (text.size > 0)
            fwrite(escape, 1, weft_json_escape(text, escape, &taken), out);
        text = weft_view_skip(text, taken);
    }
    fputc('"', out);
}

void cli_json_print_error(FILE *out, int code, struct weft_view text, uint64_t line)
{
    fputc('{', out);
    if (line > 0)
        fprintf(out, "\"line\": %" PRIu64 ", ", line);
    fputs("\"error\": ", out);
    cli_json_print_string(out, text);
    fprintf(out, ", \"exit\": %d}\n", code);
}

static void print_number(FILE *out, double number)
{
    char text[CLI_NUMBER_TEXT];
    cli_format_double(number, text);
    if (!isfinite(number))
        fprintf(out, "{\"float\": \"%s\"}", text);
    else
        fprintf(out, "%s%s", text, text[strcspn(text, ".e")] ? "" : ".0");
}

static void print_integer(FILE *out, int64_t integer)
{
    bool exact = integer >= -exact_max && integer <= exact_max;
    fprintf(out, exact ? "%" PRId64 : "{\"integer\": \"%" PRId64 "\"}", integer);
}

static void print_base64(FILE *out, struct weft_view bytes)
{
    fputc('"', out);
    cli_base64_print(out, bytes);
    fputc('"', out);
}

void cli_json_print_value(FILE *out, const struct weft_kv_value *value)
{
    switch (value->type) {
    case WEFT_KV_EMPTY:
        fputs("null", out);
        break;
    case WEFT_KV_STRING:
        cli_json_print_string(out, value->bytes);
        break;
    case WEFT_KV_BINARY:
        fputs("{\"base64\": ", out);
        print_base64(out, value->bytes);
        fputc('}', out);
        break;
    case WEFT_KV_INTEGER:
        print_integer(out, value->integer);
        break;
    case WEFT_KV_FLOAT:
        print_number(out, value->number);
        break;
    case WEFT_KV_BOOL:
        fputs(value->boolean ? "true" : "false", out);
        break;
    }
}

void cli_json_print_pair(FILE *out, const struct weft_kv_pair *pair)
{
    fputs("{\"key\": ", out);
    cli_json_print_string(out, pair->key);
    fputs(", \"value\": ", out);
    cli_json_print_value(out, &pair->value);
    fputc('}', out);
}

static void print_values(FILE *out, const struct weft_kv_reply *reply)
{
    fputs(", \"values\": [", out);
    for (size_t i = 0; i < reply->value_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        cli_json_print_value(out, &reply->values[i]);
    }
    fputc(']', out);
}

static void print_pairs(FILE *out, const struct weft_kv_reply *reply,
                        const struct weft_kv_pair *const *pairs)
{
    fputs(", \"pairs\": [", out);
    for (size_t i = 0; i < reply->pair_count; i++) {
        fputs(i > 0 ? ", " : "", out);
        cli_json_print_pair(out, pairs[i]);
    }
    fputc(']', out);
}

/* {"version": "9f86...", "expires": 1893456000000, "left": 9998}, or null for a key that is not there. */
static void print_state(FILE *out, const struct weft_kv_state *state)
{
    const char *separator = "";
    if (state->version.size == 0 && state->expires == 0) {
        fputs("null", out);
        return;
    }
    fputc('{', out);
    if (state->version.size > 0) {
        fputs("\"version\": \"", out);
        cli_version_print(out, state->version);
        fputc('"', out);
        separator = ", ";
    }
    if (state->expires > 0)
        fprintf(out, "%s\"expires\": %" PRIu64 ", \"left\": %" PRIu64, separator, state->expires,
                state->left);
    fputc('}', out);
}

static void print_states(FILE *out, const struct cli_command *command,
                         const struct weft_kv_reply *reply)
{
    bool single = cli_command_is_single(command);
    if (reply->state_count == 0)
        return;
    fputs(single ? ", \"state\": " : ", \"states\": [", out);
    for (size_t i = 0; i < (single ? 1 : reply->state_count); i++) {
        fputs(i > 0 ? ", " : "", out);
        print_state(out, &reply->states[i]);
    }
    fputs(single ? "" : "]", out);
}

static void print_cursor(FILE *out, const struct weft_kv_reply *reply)
{
    if (reply->cursor.size == 0)
        return;
    fputs(", \"cursor\": ", out);
    print_base64(out, reply->cursor);
}

static void print_head(FILE *out, const struct weft_kv_reply *reply, uint64_t line)
{
    fputc('{', out);
    if (line > 0)
        fprintf(out, "\"line\": %" PRIu64 ", ", line);
    fprintf(out, "\"status\": %" PRIu32, reply->status);
    if (reply->message.size > 0) {
        fputs(", \"message\": ", out);
        cli_json_print_string(out, reply->message);
    }
}

static int print_table(FILE *out, const struct weft_kv_reply *reply, uint64_t line)
{
    const struct weft_kv_pair **pairs = cli_reply_pairs(reply, true);
    if (!pairs)
        return -ENOMEM;
    print_head(out, reply, line);
    print_pairs(out, reply, pairs);
    print_cursor(out, reply);
    fputs("}\n", out);
    weft_free(pairs);
    return 0;
}

static int print_names(FILE *out, const struct weft_kv_reply *reply, uint64_t line)
{
    const struct weft_kv_table **tables = cli_reply_tables(reply);
    if (!tables)
        return -ENOMEM;
    print_head(out, reply, line);
    fputs(", \"tables\": [", out);
    for (size_t i = 0; i < reply->table_count; i++) {
        fputs(i > 0 ? ", {\"name\": " : "{\"name\": ", out);
        cli_json_print_string(out, tables[i]->name);
        fprintf(out, ", \"count\": %" PRIu64 "}", tables[i]->count);
    }
    fputc(']', out);
    print_cursor(out, reply);
    fputs("}\n", out);
    weft_free(tables);
    return 0;
}

int cli_json_print_reply(FILE *out, const struct cli_command *command,
                         const struct weft_kv_reply *reply, uint64_t line)
{
    bool done = reply->status == 200;
    if (done && (command->shape == CLI_TABLE || command->shape == CLI_PAGE))
        return print_table(out, reply, line);
    if (done && command->shape == CLI_NAMES)
        return print_names(out, reply, line);
    print_head(out, reply, line);
    const char *advice = cli_reply_advice(command, reply);
    if (advice) {
        fputs(", \"advice\": ", out);
        cli_json_print_string(out, weft_view_str(advice));
    }
    if (done && (command->shape == CLI_KEYS || command->shape == CLI_PAIRS)) {
        print_values(out, reply);
    } else if (done && command->shape != CLI_NOTHING && reply->value_count > 0) {
        fputs(", \"value\": ", out);
        cli_json_print_value(out, &reply->values[0]);
    }
    print_states(out, command, reply);
    fputs("}\n", out);
    return 0;
}

static struct weft_view text_of(const json_t *json)
{
    return weft_view(json_string_value(json), json_string_length(json));
}

/* {"base64": ...}, {"integer": ...}, {"float": ...}: as `base64:...` on a command line. */
static int read_tagged(const json_t *json, struct weft_kv_value *value, struct weft_bytes *memory,
                       struct weft_error *error)
{
    static const char *const tags[] = {"base64", "integer", "float"};
    static const char *const prefixes[] = {"base64:", "int:", "float:"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        const json_t *member = json_object_get(json, tags[i]);
        if (!json_is_string(member) || json_object_size(json) != 1)
            continue;
        return cli_value_parse_as(prefixes[i], text_of(member), value, memory, error);
    }
    return weft_error_set(error, WEFT_ECONFIG,
                          "an object is no value but {\"base64\": TEXT}, {\"integer\": TEXT} or "
                          "{\"float\": TEXT}");
}

int cli_json_read_value(const json_t *json, struct weft_kv_value *value, struct weft_bytes *memory,
                        struct weft_error *error)
{
    *memory = (struct weft_bytes){0};
    switch (json_typeof(json)) {
    case JSON_NULL:
        *value = (struct weft_kv_value){.type = WEFT_KV_EMPTY};
        return 0;
    case JSON_STRING:
        *value = (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = text_of(json)};
        return 0;
    case JSON_INTEGER:
        *value =
            (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = json_integer_value(json)};
        return 0;
    case JSON_REAL:
        *value = (struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = json_real_value(json)};
        return 0;
    case JSON_TRUE:
    case JSON_FALSE:
        *value = (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = json_is_true(json)};
        return 0;
    case JSON_OBJECT:
        return read_tagged(json, value, memory, error);
    case JSON_ARRAY:
        break;
    }
    return weft_error_set(error, WEFT_ECONFIG, "an array is no value");
}

json_t *cli_json_parse(struct weft_view line, struct weft_error *error)
{
    json_error_t wrong;
    json_t *json = json_loadb((const char *)line.data, line.size,
                              JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &wrong);
    if (!json)
        weft_error_set(error, WEFT_ECONFIG, "not JSON: %s, at byte %d", wrong.text, wrong.position);
    return json;
}
