/* SPDX-License-Identifier: MIT */
#include "vectors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"

__attribute__((noreturn)) WEFT_PRINTF(1, 2) static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("vectors: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(2);
}

static FILE *open_file(const char *dir, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir ? dir : TEST_VECTORS_DIR, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        die("cannot read %s", path);
    return file;
}

json_t *vectors_load(const char *dir, const char *name)
{
    FILE *file = open_file(dir, name);
    json_t *rows = json_array();
    json_error_t error;
    char *line = NULL;
    size_t room = 0, number = 1;

    for (ssize_t size; (size = getline(&line, &room, file)) > 0; number++) {
        json_t *row = json_loadb(line, (size_t)size, JSON_ALLOW_NUL, &error);
        if (!row)
            die("%s:%zu: %s", name, number, error.text);
        if (json_array_append_new(rows, row) < 0)
            die("no memory");
    }
    free(line);
    fclose(file);
    if (json_array_size(rows) == 0)
        die("%s: no rows", name);
    return rows;
}

const char *vectors_string(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    if (!text)
        die("a row without the string '%s'", name);
    return text;
}

static struct weft_bytes bytes_of(size_t size)
{
    struct weft_bytes bytes = {.data = weft_malloc(size ? size : 1), .size = size};
    if (!bytes.data)
        die("no memory");
    return bytes;
}

static unsigned digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    if (!at)
        die("'%c' is no hex digit", c);
    return (unsigned)(at - digits);
}

static struct weft_bytes from_hex(const char *hex)
{
    struct weft_bytes bytes = bytes_of(strlen(hex) / 2);
    for (size_t i = 0; i < bytes.size; i++)
        bytes.data[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return bytes;
}

static struct weft_bytes from_file(const char *dir, const char *name)
{
    FILE *file = open_file(dir, name);
    if (fseek(file, 0, SEEK_END) != 0)
        die("cannot seek in %s", name);
    long size = ftell(file);
    rewind(file);
    struct weft_bytes bytes = bytes_of(size < 0 ? 0 : (size_t)size);
    if (fread(bytes.data, 1, bytes.size, file) != bytes.size)
        die("cannot read %s", name);
    fclose(file);
    return bytes;
}

struct weft_bytes vectors_bytes(const char *dir, const json_t *row, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "%s_hex", name);
    const char *hex = json_string_value(json_object_get(row, key));
    if (hex)
        return from_hex(hex);
    snprintf(key, sizeof key, "%s_file", name);
    return from_file(dir, vectors_string(row, key));
}
