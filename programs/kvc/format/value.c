/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/units.h"
#include "base64.h"

enum {
    FILE_STEP = 65536,
    NUMBER_MAX = 1024, /* characters of a number, its NUL included */
};

/* The two NaNs that are written without their bits. */
static const uint64_t sign = (uint64_t)1 << 63, quiet_nan = 0x7ff8000000000000;

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

static int parse_string(struct parse *parse)
{
    if (!weft_utf8_valid(parse->text))
        return refuse(parse, "not valid UTF-8; use hex: or base64: for binary");
    *parse->value = (struct weft_kv_value){.type = WEFT_KV_STRING, .bytes = parse->text};
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

/* Copies the text of a number. strtoll(3) and strtod(3) skip leading blanks, which no value has. */
static bool copy_number(struct weft_view text, char dst[NUMBER_MAX])
{
    return copy_text(text, dst, NUMBER_MAX) && *dst != '\0' && !strchr(" \t\n\v\f\r", *dst);
}

static int parse_int(struct parse *parse)
{
    char text[NUMBER_MAX], *end = text;
    if (!copy_number(parse->text, text))
        return refuse(parse, "not an integer");
    errno = 0;
    long long integer = strtoll(text, &end, 10);
    if (*end != '\0')
        return refuse(parse, "not an integer");
    if (errno == ERANGE)
        return refuse(parse, "out of range: from -9223372036854775808 to 9223372036854775807");
    *parse->value = (struct weft_kv_value){.type = WEFT_KV_INTEGER, .integer = integer};
    return 0;
}

static double double_of(uint64_t bits)
{
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

/* strtod(3) reads bits in parentheses as it likes, so they are read here: all 64, or none. */
static int parse_nan(struct parse *parse, const char *text)
{
    unsigned long long bits = 0;
    int length = 0;
    bool read = strlen(text) == sizeof "nan(0x7ff8000000000001)" - 1 &&
                strspn(text + 6, "0123456789abcdef") == 16 &&
                sscanf(text, "nan(0x%16llx)%n", &bits, &length) == 1 && length > 0;
    if (!read || !isnan(double_of(bits)))
        return refuse(parse, "not a NaN with its bits, as nan(0x7ff8000000000001)");
    *parse->value = (struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = double_of(bits)};
    return 0;
}

static int parse_float(struct parse *parse)
{
    char text[NUMBER_MAX], *end = text;
    if (!copy_number(parse->text, text))
        return refuse(parse, "not a number");
    if (strchr(text, '('))
        return parse_nan(parse, text);
    errno = 0;
    double number = strtod(text, &end);
    if (*end != '\0')
        return refuse(parse, "not a number");
    if (errno == ERANGE && isinf(number))
        return refuse(parse, "out of range: up to 1.7976931348623157e+308, or inf");
    *parse->value = (struct weft_kv_value){.type = WEFT_KV_FLOAT, .number = number};
    return 0;
}

static int parse_bool(struct parse *parse)
{
    bool is_true = weft_view_equal(parse->text, weft_view_str("true"));
    if (!is_true && !weft_view_equal(parse->text, weft_view_str("false")))
        return refuse(parse, "not true or false");
    *parse->value = (struct weft_kv_value){.type = WEFT_KV_BOOL, .boolean = is_true};
    return 0;
}

/* Takes over what memory holds as a binary value. */
static void set_binary(struct parse *parse)
{
    *parse->value = (struct weft_kv_value){
        .type = WEFT_KV_BINARY, .bytes = weft_view(parse->memory->data, parse->memory->size)};
}

static int allocate(struct parse *parse, size_t size)
{
    parse->memory->data = weft_malloc(size ? size : 1);
    parse->memory->size = size;
    return parse->memory->data ? 0 : -ENOMEM;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse_hex(struct parse *parse)
{
    size_t length = parse->text.size;
    if (length % 2 != 0)
        return refuse(parse, "an odd number of hex digits");
    if (allocate(parse, length / 2) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_digit(parse->text.data[2 * i]);
        int low = hex_digit(parse->text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return refuse(parse, "not hex digits");
        parse->memory->data[i] = (uint8_t)(high << 4 | low);
    }
    set_binary(parse);
    return 0;
}

static int parse_base64(struct parse *parse)
{
    int err = cli_base64_read(parse->text, parse->memory);
    if (err == WEFT_EMALFORMED)
        return refuse(parse, "not base64 (RFC 4648: A-Z a-z 0-9 + /, padded with =)");
    if (err == 0)
        set_binary(parse);
    return err;
}

static int parse_empty(struct parse *parse)
{
    if (parse->text.size > 0)
        return refuse(parse, "an empty value has no text");
    *parse->value = (struct weft_kv_value){.type = WEFT_KV_EMPTY};
    return 0;
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

static const struct form {
    const char *prefix;
    int (*parse)(struct parse *parse);
} forms[] = {
    {"str:", parse_string},  {"int:", parse_int},   {"float:", parse_float},
    {"bool:", parse_bool},   {"hex:", parse_hex},   {"base64:", parse_base64},
    {"empty:", parse_empty}, {"file:", parse_file},
};

static bool begins(struct weft_view text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.size >= length && memcmp(text.data, prefix, length) == 0;
}

/* Returns the form that the prefix names, or NULL: text is a string as it stands. */
static const struct form *form_of(struct weft_view text, bool files)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (begins(text, forms[i].prefix) && (files || forms[i].parse != parse_file))
            return &forms[i];
    }
    return NULL;
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
    const struct form *form = form_of(text, source != NULL);
    if (form)
        parse.text = weft_view_skip(text, strlen(form->prefix));
    return finish(&parse, text, form ? form->parse(&parse) : parse_string(&parse), error);
}

int cli_value_parse_as(const char *prefix, struct weft_view text, struct weft_kv_value *value,
                       struct weft_bytes *memory, struct weft_error *error)
{
    *memory = (struct weft_bytes){0};
    struct parse parse = {.text = text, .value = value, .memory = memory};
    const struct form *form = form_of(weft_view_str(prefix), false);
    return finish(&parse, text, form->parse(&parse), error);
}

bool cli_text_has_prefix(struct weft_view text)
{
    return form_of(text, false) != NULL;
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
    if (size == text.size || text.data[size] != ':' || form_of(text, true))
        return NULL;
    memcpy(word + size, ":", 2);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(word, forms[i].prefix) == 0)
            return forms[i].prefix;
    }
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
    uint64_t bits = bits_of(number);
    if (isnan(number) && (bits & ~sign) == quiet_nan)
        return strcpy(dst, bits & sign ? "-nan" : "nan");
    if (isnan(number)) {
        snprintf(dst, CLI_NUMBER_TEXT, "nan(0x%016" PRIx64 ")", bits);
        return dst;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(dst, CLI_NUMBER_TEXT, "%.*g", digits, number);
        if (!(strtod(dst, NULL) < number) && !(strtod(dst, NULL) > number))
            break;
    }
    return dst;
}

/* C0 and DEL are one byte, C1 (U+0080 to U+009F) is 0xc2 and the code. Returns its size, or 0. */
static size_t control_at(struct weft_view text, size_t i, unsigned *code)
{
    *code = text.data[i];
    if (*code < 0x20 || *code == 0x7f)
        return 1;
    if (*code != 0xc2 || i + 1 == text.size || text.data[i + 1] > 0x9f)
        return 0;
    *code = text.data[i + 1];
    return 2;
}

static void print_control(FILE *out, unsigned code)
{
    switch (code) {
    case '\n':
        fputs("\\n", out);
        break;
    case '\r':
        fputs("\\r", out);
        break;
    case '\t':
        fputs("\\t", out);
        break;
    default:
        fprintf(out, "\\x%02x", code);
    }
}

void cli_text_print_as(FILE *out, struct weft_view text, enum cli_escape escape)
{
    if (escape == CLI_ESCAPE_NONE && text.size > 0)
        fwrite(text.data, 1, text.size, out);
    if (escape == CLI_ESCAPE_NONE)
        return;
    for (size_t i = 0; i < text.size;) {
        unsigned code;
        size_t size = control_at(text, i, &code);
        if (size > 0)
            print_control(out, code);
        else if (text.data[i] == '\\' && escape == CLI_ESCAPE_LINE)
            fputs("\\\\", out);
        else
            fputc(text.data[i], out);
        i += size > 0 ? size : 1;
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
