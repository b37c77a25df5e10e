/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "programs/kvc/format/base64.h"
#include "programs/kvc/format/json.h"

enum cli_rows cli_rows_of(enum cli_rows rows, const char *path)
{
    const char *ending = path ? strrchr(path, '.') : NULL;
    if (rows != CLI_ROWS_BY_NAME)
        return rows;
    return ending && strcmp(ending, ".csv") == 0 ? CLI_ROWS_CSV : CLI_ROWS_NDJSON;
}

enum cli_records_form cli_rows_records(enum cli_rows rows, const char *path)
{
    static const char *const endings[] = {".ndjson", ".jsonl", ".json"};
    const char *ending = path ? strrchr(path, '.') : NULL;
    if (rows != CLI_ROWS_BY_NAME)
        return rows == CLI_ROWS_CSV ? CLI_RECORDS_CSV : CLI_RECORDS_LINES;
    if (ending && strcmp(ending, ".csv") == 0)
        return CLI_RECORDS_CSV;
    for (size_t i = 0; ending && i < sizeof endings / sizeof *endings; i++) {
        if (strcmp(ending, endings[i]) == 0)
            return CLI_RECORDS_LINES;
    }
    return CLI_RECORDS_GUESS;
}

/* Puts the key before what is wrong with its row. Returns err. */
static int name_key(struct weft_view key, int err, struct weft_error *error)
{
    char quoted[WEFT_LOG_QUOTE_TEXT], words[sizeof error->text];
    memcpy(words, error->text, sizeof words);
    return weft_error_set(error, err, "key %s: %s", weft_log_quote(key, quoted), words);
}

static int take_key(struct cli_row *row, struct weft_view key, struct weft_error *error)
{
    row->pair.key = key;
    if (weft_utf8_valid(key))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "the key is not valid UTF-8");
}

/* A field with its quotation marks undone. */
static int take_field(const struct cli_csv_field *field, struct weft_bytes *memory,
                      struct weft_view *text)
{
    *text = field->text;
    if (!field->doubled)
        return 0;
    memory->data = weft_malloc(field->text.size);
    if (!memory->data)
        return -ENOMEM;
    memory->size = cli_csv_undouble(field->text, memory->data);
    *text = weft_view(memory->data, memory->size);
    return 0;
}

static int read_record(struct cli_row *row, const struct cli_csv_record *record,
                       struct weft_error *error)
{
    struct weft_view text;
    if (record->count != 2)
        return weft_error_set(error, WEFT_ECONFIG, "a row has a key and a value, not %zu fields",
                              record->count);
    if (take_field(&record->fields[1], &row->text, &text) < 0)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    if (cli_text_meant(text))
        row->doubtful = text;
    int err = take_key(row, row->pair.key, error);
    if (err == 0)
        err = cli_value_parse(text, NULL, &row->pair.value, &row->memory, error);
    return err;
}

static int read_csv(struct cli_row *row, struct weft_view text, struct weft_error *error)
{
    struct cli_csv_record record;
    const char *why;
    int err = cli_csv_read(text, &record, &why);
    if (err < 0)
        err = weft_error_set(error, WEFT_ECONFIG, "not CSV: %s", why);
    if (record.count > 0 && take_field(&record.fields[0], &row->key, &row->pair.key) < 0)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    if (err == 0)
        err = read_record(row, &record, error);
    return err == WEFT_ECONFIG && record.count > 0 ? name_key(row->pair.key, err, error) : err;
}

/* Reads what only the changes of a backup have. Returns the number of these members. */
static size_t read_change(struct cli_row *row)
{
    const json_t *number = json_object_get(row->json, "number");
    row->is_removed = json_is_true(json_object_get(row->json, "removed"));
    row->is_dropped = json_is_true(json_object_get(row->json, "dropped"));
    if (!json_is_integer(number) || json_integer_value(number) <= 0) {
        row->is_removed = row->is_dropped = false;
        return 0;
    }
    row->number = (uint64_t)json_integer_value(number);
    return 1 + (size_t)row->is_removed + (size_t)row->is_dropped;
}

static int read_object(struct cli_row *row, bool has_table, struct weft_view line,
                       struct weft_error *error)
{
    row->json = cli_json_parse(line, error);
    if (!row->json)
        return WEFT_ECONFIG;
    const json_t *key = json_object_get(row->json, "key");
    const json_t *value = json_object_get(row->json, "value");
    const json_t *table = has_table ? json_object_get(row->json, "table") : NULL;
    const json_t *expires = json_object_get(row->json, "expires");
    size_t members = (size_t)(table != NULL) + (size_t)(expires != NULL) + (size_t)(key != NULL) +
                     (size_t)(value != NULL);
    members += has_table ? read_change(row) : 0;
    bool is_whole = row->is_dropped   ? !key && !value
                    : row->is_removed ? json_is_string(key) && !value
                                      : json_is_string(key) && value;
    int err = 0;
    if (json_is_string(key))
        row->pair.key = weft_view(json_string_value(key), json_string_length(key));
    if (json_is_string(table))
        row->table = weft_view(json_string_value(table), json_string_length(table));
    if (json_is_integer(expires) && json_integer_value(expires) > 0)
        row->expires = (uint64_t)json_integer_value(expires);
    if (has_table && !json_is_string(table))
        err =
            weft_error_set(error, WEFT_ECONFIG,
                           "a row of --all is {\"table\": TEXT, \"key\": TEXT, \"value\": VALUE}");
    else if (!is_whole || json_object_size(row->json) != members)
        err = weft_error_set(error, WEFT_ECONFIG,
                             "a row is {\"key\": TEXT, \"value\": VALUE}, with nothing else");
    else if (expires && row->expires == 0)
        err = weft_error_set(error, WEFT_ECONFIG,
                             "\"expires\" is no number of milliseconds since 1970");
    else if (value)
        err = cli_json_read_value(value, &row->pair.value, &row->memory, error);
    return err == WEFT_ECONFIG && json_is_string(key) ? name_key(row->pair.key, err, error) : err;
}

int cli_row_read(struct cli_row *row, enum cli_rows rows, bool has_table, struct weft_view text,
                 struct weft_error *error)
{
    *row = (struct cli_row){0};
    int err = rows == CLI_ROWS_CSV ? read_csv(row, text, error)
                                   : read_object(row, has_table, text, error);
    if (err < 0)
        cli_row_fini(row);
    return err;
}

void cli_row_fini(struct cli_row *row)
{
    if (row->json)
        json_decref(row->json);
    weft_bytes_fini(&row->key);
    weft_bytes_fini(&row->text);
    weft_bytes_fini(&row->memory);
}

/* A value as cli_value_parse reads it back. */
static void print_value(FILE *out, const struct weft_kv_value *value)
{
    char number[CLI_NUMBER_TEXT];
    switch (value->type) {
    case WEFT_KV_EMPTY:
        fputs("empty:", out);
        break;
    case WEFT_KV_STRING:
        cli_csv_print(out, cli_text_has_prefix(value->bytes) ? "str:" : "", value->bytes);
        break;
    case WEFT_KV_BINARY:
        fputs("base64:", out);
        cli_base64_print(out, value->bytes);
        break;
    case WEFT_KV_INTEGER:
        fprintf(out, "int:%" PRId64, value->integer);
        break;
    case WEFT_KV_FLOAT:
        fprintf(out, "float:%s", cli_format_double(value->number, number));
        break;
    case WEFT_KV_BOOL:
        fputs(value->boolean ? "bool:true" : "bool:false", out);
        break;
    }
}

static void print_csv(FILE *out, const struct weft_kv_pair *pair)
{
    cli_csv_print(out, "", pair->key);
    fputc(',', out);
    print_value(out, &pair->value);
    fputc('\n', out);
}

static void print_object(FILE *out, const struct weft_view *table, const struct weft_kv_pair *pair,
                         uint64_t expires)
{
    fputc('{', out);
    if (table) {
        fputs("\"table\": ", out);
        cli_json_print_string(out, *table);
        fputs(", ", out);
    }
    fputs("\"key\": ", out);
    cli_json_print_string(out, pair->key);
    fputs(", \"value\": ", out);
    cli_json_print_value(out, &pair->value);
    if (expires > 0)
        fprintf(out, ", \"expires\": %" PRIu64, expires);
    fputs("}\n", out);
}

void cli_row_print_change(FILE *out, const struct weft_kv_changed *change)
{
    fprintf(out, "{\"number\": %" PRIu64 ", \"table\": ", change->number);
    cli_json_print_string(out, change->table);
    if (change->how != WEFT_KV_CHANGED_DROPPED) {
        fputs(", \"key\": ", out);
        cli_json_print_string(out, change->key);
    }
    switch (change->how) {
    case WEFT_KV_CHANGED_SET:
        fputs(", \"value\": ", out);
        cli_json_print_value(out, &change->value);
        if (change->expires > 0)
            fprintf(out, ", \"expires\": %" PRIu64, change->expires);
        break;
    case WEFT_KV_CHANGED_REMOVED:
    case WEFT_KV_CHANGED_EXPIRED:
        fputs(", \"removed\": true", out);
        break;
    case WEFT_KV_CHANGED_DROPPED:
        fputs(", \"dropped\": true", out);
        break;
    }
    fputs("}\n", out);
}

void cli_row_print(FILE *out, enum cli_rows rows, const struct weft_view *table,
                   const struct weft_kv_pair *pair, uint64_t expires)
{
    if (rows == CLI_ROWS_CSV)
        print_csv(out, pair);
    else
        print_object(out, table, pair, expires);
}
