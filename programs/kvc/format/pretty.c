/* SPDX-License-Identifier: MIT */
#include "pretty.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "core/base/mem.h"
#include "output.h"
#include "value.h"

enum { COLUMN_MAX = 32 }; /* a longer key moves only its own value */

/* True if the system describes a terminal of that name. Without a description nobody knows what the
 * terminal makes of an escape sequence. */
static bool is_described(const char *name)
{
    const char *own = getenv("TERMINFO"), *home = getenv("HOME");
    const char *const folders[] = {own ? own : "",
                                   home ? home : "",
                                   "/etc/terminfo",
                                   "/lib/terminfo",
                                   "/usr/lib/terminfo",
                                   "/usr/share/terminfo",
                                   "/usr/local/share/terminfo"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[PATH_MAX];
        const char *under = i == 1 ? "/.terminfo" : "";
        if (!*folders[i])
            continue;
        int size = snprintf(path, sizeof path, "%s%s/%c/%s", folders[i], under, *name, name);
        if (size < (int)sizeof path && access(path, R_OK) == 0)
            return true;
    }
    return false;
}

bool cli_pretty_has_colours(FILE *out)
{
    static const char *const plain[] = {"", "dumb", "unknown"};
    const char *refused = getenv("NO_COLOR"), *terminal = getenv("TERM");
    if ((refused && *refused) || !terminal || strchr(terminal, '/'))
        return false;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strcmp(terminal, plain[i]) == 0)
            return false;
    }
    return isatty(fileno(out)) && is_described(terminal);
}

static const char *colour_of(enum weft_kv_type type)
{
    switch (type) {
    case WEFT_KV_EMPTY:
        return "\x1b[2m";
    case WEFT_KV_BINARY:
        return "\x1b[35m";
    case WEFT_KV_INTEGER:
    case WEFT_KV_FLOAT:
        return "\x1b[36m";
    case WEFT_KV_BOOL:
        return "\x1b[33m";
    case WEFT_KV_STRING:
        break;
    }
    return "\x1b[32m";
}

static void print_value(FILE *out, const struct weft_kv_value *value, bool colours)
{
    fputs(colours ? colour_of(value->type) : "", out);
    if (value->type == WEFT_KV_EMPTY)
        fputs("(empty)", out);
    else
        cli_value_print(out, value, true);
    fputs(colours ? "\x1b[0m\n" : "\n", out);
}

/* Returns the width of a control character as cli_text_print escapes it. */
static size_t columns_of_control(wchar_t character)
{
    bool has_letter = character == '\n' || character == '\r' || character == '\t';
    return has_letter ? sizeof "\\n" - 1 : sizeof "\\x1b" - 1;
}

/* Returns the width of text in the locale; a byte that is no character of it takes one column. */
static size_t columns_of(struct weft_view text)
{
    mbstate_t state = {0};
    size_t columns = 0;
    while (text.size > 0) {
        wchar_t character;
        size_t size = mbrtowc(&character, (const char *)text.data, text.size, &state);
        bool is_none = size > text.size;
        int width = is_none ? 1 : character == L'\0' ? -1 : wcwidth(character);
        columns += width >= 0 ? (size_t)width : columns_of_control(character);
        text = weft_view_skip(text, is_none || size == 0 ? 1 : size);
        if (is_none)
            state = (mbstate_t){0};
    }
    return columns;
}

static size_t column_for(const struct weft_kv_reply *reply)
{
    size_t column = 0;
    for (size_t i = 0; i < reply->pair_count; i++) {
        size_t columns = columns_of(reply->pairs[i].key);
        if (columns > column && columns <= COLUMN_MAX)
            column = columns;
    }
    return column;
}

static int print_pairs(FILE *out, const struct weft_kv_reply *reply, bool sorted, bool colours)
{
    const struct weft_kv_pair **pairs = cli_reply_pairs(reply, sorted);
    if (!pairs)
        return -ENOMEM;
    size_t column = column_for(reply);
    for (size_t i = 0; i < reply->pair_count; i++) {
        size_t columns = columns_of(pairs[i]->key);
        cli_text_print(out, pairs[i]->key, true);
        fprintf(out, "%*s", (int)(columns < column ? column - columns + 2 : 2), "");
        print_value(out, &pairs[i]->value, colours);
    }
    weft_free(pairs);
    return 0;
}

static int print_tables(FILE *out, const struct weft_kv_reply *reply, bool colours)
{
    const struct weft_kv_table **tables = cli_reply_tables(reply);
    size_t column = 0;
    if (!tables)
        return -ENOMEM;
    for (size_t i = 0; i < reply->table_count; i++) {
        size_t columns = columns_of(tables[i]->name);
        if (columns > column && columns <= COLUMN_MAX)
            column = columns;
    }
    for (size_t i = 0; i < reply->table_count; i++) {
        size_t columns = columns_of(tables[i]->name);
        const struct weft_kv_value count = {.type = WEFT_KV_INTEGER,
                                            .integer = (int64_t)tables[i]->count};
        cli_text_print(out, tables[i]->name, true);
        fprintf(out, "%*s", (int)(columns < column ? column - columns + 2 : 2), "");
        print_value(out, &count, colours);
    }
    weft_free(tables);
    return 0;
}

/* Items with a state are shown as elsewhere: columns that a person can copy from. */
static void print_item(FILE *out, const struct cli_command *command,
                       const struct weft_kv_reply *reply, size_t index, bool colours)
{
    if (index >= reply->state_count) {
        print_value(out, &reply->values[index], colours);
        return;
    }
    cli_reply_print_item(out, command, reply, index, CLI_ESCAPE_LINE);
    fputc('\n', out);
}

int cli_pretty_print(FILE *out, const struct cli_command *command,
                     const struct weft_kv_reply *reply, bool colours)
{
    if (reply->pair_count > 0)
        return print_pairs(out, reply, command->shape == CLI_TABLE, colours);
    if (reply->table_count > 0)
        return print_tables(out, reply, colours);
    for (size_t i = 0; i < reply->value_count; i++)
        print_item(out, command, reply, i, colours);
    return 0;
}
