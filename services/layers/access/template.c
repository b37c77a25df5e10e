/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "private.h"

const char weft_access_default[] =
    "time=$time conn=$conn peer=$peer user=$user command=$command object=$object status=$status "
    "request=$request bytes=$bytes us=$us";

static const char *const names[] = {
    [ACCESS_TIME] = "time",     [ACCESS_CONN] = "conn",       [ACCESS_PEER] = "peer",
    [ACCESS_USER] = "user",     [ACCESS_COMMAND] = "command", [ACCESS_OBJECT_NAME] = "object",
    [ACCESS_STATUS] = "status", [ACCESS_REQUEST] = "request", [ACCESS_BYTES] = "bytes",
    [ACCESS_US] = "us",
};

static int add_piece(struct access_template *template, enum access_field field, const char *text,
                     size_t size, struct weft_error *error)
{
    if (field == ACCESS_TEXT && size == 0)
        return 0;
    if (template->count == ACCESS_PIECES)
        return weft_error_set(error, WEFT_ECONFIG, "the template has more than %d parts",
                              ACCESS_PIECES);
    template->pieces[template->count++] =
        (struct access_piece){.field = field, .text = weft_view(text, size)};
    return 0;
}

/* Adds the field that stands behind a dollar sign, and returns the size of its name. */
static int add_field(struct access_template *template, const char *name, struct weft_error *error)
{
    const size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz");

    if (*name == '$') {
        int err = add_piece(template, ACCESS_TEXT, name, 1, error);
        return err < 0 ? err : 1;
    }
    for (size_t i = ACCESS_TIME; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) != size || memcmp(names[i], name, size) != 0)
            continue;
        int err = add_piece(template, (enum access_field)i, "", 0, error);
        return err < 0 ? err : (int)size;
    }
    return weft_error_set(error, WEFT_ECONFIG,
                          "the template has no '$%.*s'; there are: $time, $conn, $peer, $user, "
                          "$command, $object, $status, $request, $bytes, $us, $$",
                          (int)size, name);
}

int access_template_init(struct access_template *template, const char *text,
                         struct weft_error *error)
{
    *template = (struct access_template){0};
    template->copy = weft_malloc(strlen(text) + 1);
    if (!template->copy)
        return weft_error_set(error, -ENOMEM, "out of memory");
    strcpy(template->copy, text);
    for (const char *at = template->copy; *at;) {
        const size_t size = strcspn(at, "$");
        int err = add_piece(template, ACCESS_TEXT, at, size, error);
        at += size;
        if (err == 0 && *at == '$')
            err = add_field(template, at + 1, error);
        if (err < 0) {
            access_template_fini(template);
            return err;
        }
        at += *at == '$' ? 1 + err : 0;
    }
    return 0;
}

void access_template_fini(struct access_template *template)
{
    weft_free(template->copy);
    template->copy = NULL;
}

int weft_access_check(const char *text, struct weft_error *error)
{
    struct access_template template;
    int err = access_template_init(&template, text, error);

    if (err == 0)
        access_template_fini(&template);
    return err;
}

struct line {
    char *dst;
    size_t size;
};

static void put(struct line *line, const char *text, size_t size)
{
    const size_t room = ACCESS_LINE - 1 - line->size;

    memcpy(line->dst + line->size, text, size < room ? size : room);
    line->size += size < room ? size : room;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static void put_number(struct line *line, uint64_t number)
{
    char digits[24];
    char *at = digits + sizeof digits;

    do
        *--at = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    put(line, at, (size_t)(digits + sizeof digits - at));
}

static void put_quoted(struct line *line, struct weft_view text)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];

    put_text(line, weft_log_quote(text, quoted));
}

void access_write_time(char dst[ACCESS_TIME_TEXT], int64_t time)
{
    const time_t seconds = time / 1000000000;
    struct tm tm = {0};
    char date[32] = "";

    gmtime_r(&seconds, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(dst, ACCESS_TIME_TEXT, "%s.%03dZ", date, (int)(time / 1000000 % 1000));
}

static void put_field(struct line *line, enum access_field field, const struct access_entry *entry)
{
    switch (field) {
    case ACCESS_TEXT:
        break;
    case ACCESS_TIME:
        put_text(line, entry->time);
        break;
    case ACCESS_CONN:
        put_number(line, entry->conn);
        break;
    case ACCESS_PEER:
        put_text(line, entry->peer);
        break;
    case ACCESS_USER:
        put_quoted(line, weft_view(entry->user, strlen(entry->user)));
        break;
    case ACCESS_COMMAND:
        put_text(line, entry->command);
        break;
    case ACCESS_OBJECT_NAME:
        put_quoted(line, entry->object);
        break;
    case ACCESS_STATUS:
        put_number(line, entry->status);
        break;
    case ACCESS_REQUEST:
        put_number(line, entry->request);
        break;
    case ACCESS_BYTES:
        put_number(line, entry->bytes);
        break;
    case ACCESS_US:
        put_number(line, entry->us);
        break;
    }
}

size_t access_template_write(const struct access_template *template,
                             const struct access_entry *entry, char *dst)
{
    struct line line = {.dst = dst};

    for (size_t i = 0; i < template->count; i++) {
        const struct access_piece *piece = &template->pieces[i];
        if (piece->field == ACCESS_TEXT)
            put(&line, (const char *)piece->text.data, piece->text.size);
        else
            put_field(&line, piece->field, entry);
    }
    dst[line.size++] = '\n';
    return line.size;
}
