/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/units.h"
#include "services/payload/line/value.h"

enum { FILE_STEP = 65536 };

static const char file_prefix[] = "file:";

/* The input and the output of a parser. */
struct parse {
    struct weft_view text; /* behind the prefix */
    uint64_t file_max;
    struct weft_kv_value *value;
    struct weft_bytes *memory;
    const char *wrong; /* out, with WEFT_ECONFIG: what is wrong, in words */
    char words[256];   /* where it is not a constant */
};

static int refuse(struct parse *parse, const char *wrong)
{
    parse->wrong = wrong;
    return WEFT_ECONFIG;
}

/* Returns what a line's value is for kvc. */
static struct weft_kv_value value_of(const struct weft_line_value *line)
{
    struct weft_kv_value value = {.type = WEFT_KV_EMPTY};
    switch (line->type) {
    case WEFT_LINE_EMPTY:
        break;
    case WEFT_LINE_STRING:
        value = (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = line->bytes};
        break;
    case WEFT_LINE_BINARY:
        value = (struct weft_kv_value){.type = WEFT_KV_BINARY, .bytes = line->bytes};
        break;
    case WEFT_LINE_INTEGER:
        value = (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = line->integer};
        break;
    case WEFT_LINE_FLOAT:
        value = (struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = line->number};
        break;
    case WEFT_LINE_BOOL:
        value = (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = line->boolean};
        break;
    }
    return value;
}

/* Reads a value that stands in the line itself; prefix as for weft_line_read_value. */
static int parse_line(struct parse *parse, const char *prefix)
{
    struct weft_line_value line;
    size_t room = weft_line_value_room(prefix, parse->text);
    if (room > 0)
        parse->memory->data = weft_malloc(room);
    if (room > 0 && !parse->memory->data)
        return -ENOMEM;
    if (weft_line_read_value(prefix, parse->text, parse->memory->data, &line, &parse->wrong) < 0)
        return WEFT_ECONFIG;
    *parse->value = value_of(&line);
    if (room > 0)
        parse->memory->size = line.bytes.size;
    return 0;
}

/* Copies text as a C string. False: it is too long, or holds a NUL. */
static bool copy_text(struct weft_view text, char *dst, size_t size)
{
    if (text.size >= size || memchr(text.data, '\0', text.size))
        return false;
    if (text.size > 0)
        memcpy(dst, text.data, text.size);
    dst[text.size] = '\0';
    return true;
}

/* Takes over what memory holds as a binary value. */
static void set_binary(struct parse *parse)
{
    *parse->value = (struct weft_kv_value){
        .type = WEFT_KV_BINARY, .bytes = weft_view(parse->memory->data, parse->memory->size)};
}

static int read_all(int fd, struct weft_buf *buf, uint64_t max)
{
    for (;;) {
        uint8_t *dst = weft_buf_reserve(buf, FILE_STEP);
        if (!dst)
            return -ENOMEM;
        ssize_t n = read(fd, dst, FILE_STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        weft_buf_commit(buf, (size_t)n);
        if (weft_buf_size(buf) > max)
            return WEFT_ETOOBIG;
    }
}

static int refuse_file(struct parse *parse, int err)
{
    char size[WEFT_UNITS_TEXT];
    if (err == WEFT_ETOOBIG)
        snprintf(parse->words, sizeof parse->words, "larger than --max-message %s",
                 weft_format_size(parse->file_max, size));
    else
        snprintf(parse->words, sizeof parse->words, "cannot read the file: %s", weft_strerror(err));
    return err == -ENOMEM ? err : refuse(parse, parse->words);
}

static int parse_descriptor(struct parse *parse, int fd)
{
    struct weft_buf buf = {0};
    int err = read_all(fd, &buf, parse->file_max);
    if (err == 0)
        err = weft_bytes_copy(parse->memory, weft_buf_view(&buf));
    weft_buf_fini(&buf);
    if (err < 0)
        return refuse_file(parse, err);
    set_binary(parse);
    return 0;
}

/* "-" has one meaning, also where the commands come from there. */
static int parse_standard_input(struct parse *parse, const struct cli_value_source *source)
{
    if (!source->standard_input)
        return refuse(parse, "standard input, which brings the commands here; str:- is the text");
    return parse_descriptor(parse, STDIN_FILENO);
}

static int parse_file(struct parse *parse)
{
    char path[PATH_MAX];
    if (!copy_text(parse->text, path, sizeof path))
        return refuse_file(parse, -ENAMETOOLONG);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse_file(parse, -errno);
    int err = parse_descriptor(parse, fd);
    close(fd);
    return err;
}

static bool begins(struct weft_view text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.size >= length && memcmp(text.data, prefix, length) == 0;
}

static int finish(struct parse *parse, struct weft_view shown, int err, struct weft_error *error)
{
    if (err == 0)
        return 0;
    weft_bytes_fini(parse->memory);
    if (err != WEFT_ECONFIG)
        return weft_error_set(error, err, "%s", weft_strerror(err));
    char quoted[WEFT_LOG_QUOTE_TEXT];
    return weft_error_set(error, err, "value %s: %s", weft_log_quote(shown, quoted), parse->wrong);
}

int cli_value_parse(struct weft_view text, const struct cli_value_source *source,
                    struct weft_kv_value *value, struct weft_bytes *memory,
                    struct weft_error *error)
{
    *memory = (struct weft_bytes){0};
    struct parse parse = {
        .text = text, .file_max = source ? source->file_max : 0, .value = value, .memory = memory};
    if (source && weft_view_equal(text, weft_view_str("-")))
        return finish(&parse, text, parse_standard_input(&parse, source), error);
    if (source && begins(text, file_prefix)) {
        parse.text = weft_view_skip(text, strlen(file_prefix));
        return finish(&parse, text, parse_file(&parse), error);
    }
    return finish(&parse, text, parse_line(&parse, NULL), error);
}

int cli_value_parse_as(const char *prefix, struct weft_view text, struct weft_kv_value *value,
                       struct weft_bytes *memory, struct weft_error *error)
{
    *memory = (struct weft_bytes){0};
    struct parse parse = {.text = text, .value = value, .memory = memory};
    return finish(&parse, text, parse_line(&parse, prefix), error);
}

bool cli_text_has_prefix(struct weft_view text)
{
    return weft_line_prefix(text) != NULL;
}

static char lower(uint8_t byte)
{
    return (char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
}

const char *cli_text_meant(struct weft_view text)
{
    static const char *const aliases[][2] = {
        {"integer:", "int:"}, {"long:", "int:"},   {"double:", "float:"}, {"boolean:", "bool:"},
        {"string:", "str:"},  {"binary:", "hex:"}, {"bytes:", "hex:"},    {"b64:", "base64:"},
        {"null:", "empty:"},  {"nil:", "empty:"},
    };
    char word[16];
    size_t size = 0;
    while (size < text.size && size + 2 < sizeof word && text.data[size] != ':') {
        word[size] = lower(text.data[size]);
        size++;
    }
    if (size == text.size || text.data[size] != ':' || weft_line_prefix(text) ||
        begins(text, file_prefix))
        return NULL;
    memcpy(word + size, ":", 2);
    const char *prefix;
    for (size_t i = 0; (prefix = weft_line_prefix_at(i)); i++) {
        if (strcmp(word, prefix) == 0)
            return prefix;
    }
    if (strcmp(word, file_prefix) == 0)
        return file_prefix;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcmp(word, aliases[i][0]) == 0)
            return aliases[i][1];
    }
    return NULL;
}

bool cli_text_warn(struct weft_view text, char *dst)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    const char *meant = cli_text_meant(text);
    if (!meant)
        return false;
    snprintf(dst, CLI_WARNING_TEXT,
             "warning: %s is taken as a string; did you mean %s? (str: says "
             "that it is one)",
             weft_log_quote(text, quoted), meant);
    return true;
}

char *cli_format_double(double number, char *dst)
{
    return weft_line_format_double(number, dst);
}

void cli_text_print_as(FILE *out, struct weft_view text, enum cli_escape escape)
{
    if (escape == CLI_ESCAPE_NONE && text.size > 0)
        fwrite(text.data, 1, text.size, out);
    if (escape == CLI_ESCAPE_NONE)
        return;
    enum { PIECE = 256 };
    uint8_t escaped[4 * PIECE];
    while (text.size > 0) {
        size_t piece = text.size < PIECE ? text.size : PIECE;
        /* A character of two bytes that is a control character must not be torn. */
        if (piece < text.size && text.data[piece - 1] == 0xc2)
            piece--;
        size_t size =
            weft_line_put_text(escaped, weft_view(text.data, piece), escape == CLI_ESCAPE_LINE);
        fwrite(escaped, 1, size, out);
        text = weft_view_skip(text, piece);
    }
}

void cli_text_print(FILE *out, struct weft_view text, bool escape)
{
    cli_text_print_as(out, text, escape ? CLI_ESCAPE_CONTROLS : CLI_ESCAPE_NONE);
}

static void print_hex(FILE *out, struct weft_view bytes)
{
    static const char digits[] = "0123456789abcdef";
    fputs("hex:", out);
    for (size_t i = 0; i < bytes.size; i++) {
        fputc(digits[bytes.data[i] >> 4], out);
        fputc(digits[bytes.data[i] & 15], out);
    }
}

void cli_value_print(FILE *out, const struct weft_kv_value *value, bool escape)
{
    char number[CLI_NUMBER_TEXT];
    switch (value->type) {
    case WEFT_KV_EMPTY:
        break;
    case WEFT_KV_STRING:
        cli_text_print(out, value->bytes, escape);
        break;
    case WEFT_KV_BINARY:
        print_hex(out, value->bytes);
        break;
    case WEFT_KV_INTEGER:
        fprintf(out, "%" PRId64, value->integer);
        break;
    case WEFT_KV_FLOAT:
        fputs(cli_format_double(value->number, number), out);
        break;
    case WEFT_KV_BOOL:
        fputs(value->boolean ? "true" : "false", out);
        break;
    }
}

void cli_value_print_typed(FILE *out, const struct weft_kv_value *value, enum cli_escape escape)
{
    switch (value->type) {
    case WEFT_KV_STRING:
        fputs(value->bytes.size == 0 || cli_text_has_prefix(value->bytes) ? "str:" : "", out);
        cli_text_print_as(out, value->bytes, escape);
        return;
    case WEFT_KV_INTEGER:
        fputs("int:", out);
        break;
    case WEFT_KV_FLOAT:
        fputs("float:", out);
        break;
    case WEFT_KV_BOOL:
        fputs("bool:", out);
        break;
    case WEFT_KV_EMPTY:
    case WEFT_KV_BINARY:
        break;
    }
    cli_value_print(out, value, false);
}
