/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <strings.h>

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct weft_view trim(struct weft_view text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text = weft_view_skip(text, 1);
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* Returns what stands before the first `mark`, and leaves in *text what stands behind it. Without one all of text is
 * returned, and nothing is left. */
static struct weft_view take_until(struct weft_view *text, char mark)
{
    const uint8_t *at = text->size > 0 ? memchr(text->data, mark, text->size) : NULL;
    struct weft_view taken = *text;
    if (at) {
        taken.size = (size_t)(at - text->data);
        *text = weft_view_skip(*text, taken.size + 1);
    } else {
        *text = weft_view(NULL, 0);
    }
    return taken;
}

static enum weft_http_method method_of(struct weft_view name)
{
    static const char names[][8] = {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (weft_view_equal(name, weft_view_str(names[i])))
            return (enum weft_http_method)i;
    return WEFT_HTTP_OTHER;
}

/* Drops the scheme and the authority of a target in absolute form (RFC 9112, 3.2.2). */
static struct weft_view to_origin_form(struct weft_view target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (target.size < size || strncasecmp((const char *)target.data, schemes[i], size) != 0)
            continue;
        struct weft_view rest = weft_view_skip(target, size);
        const uint8_t *slash = rest.size > 0 ? memchr(rest.data, '/', rest.size) : NULL;
        return slash ? weft_view_skip(rest, (size_t)(slash - rest.data)) : weft_view("/", 1);
    }
    return target;
}

bool weft_http_read(struct weft_view payload, struct weft_http_request *request)
{
    struct weft_view rest = payload;
    struct weft_view line = take_until(&rest, '\n');
    const uint8_t *end = memmem(payload.data, payload.size, "\r\n\r\n", 4);
    if (!end || rest.size == 0)
        return false;
    size_t head = (size_t)(end - payload.data) + 4;
    request->fields = weft_view(rest.data, (size_t)(end + 2 - rest.data));
    request->body = weft_view_skip(payload, head);
    request->method = method_of(take_until(&line, ' '));
    struct weft_view target = to_origin_form(take_until(&line, ' '));
    request->path = take_until(&target, '?');
    request->query = target;
    return line.size > 0;
}

bool weft_http_next_field(struct weft_view *fields, struct weft_view *name, struct weft_view *value)
{
    if (fields->size == 0)
        return false;
    struct weft_view line = take_until(fields, '\n');
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    *name = take_until(&line, ':');
    *value = trim(line);
    return true;
}

bool weft_http_next_parameter(struct weft_view *query, struct weft_view *name,
                              struct weft_view *value)
{
    while (query->size > 0) {
        *value = take_until(query, '&');
        *name = take_until(value, '=');
        if (name->size > 0)
            return true;
    }
    return false;
}

bool weft_http_next_element(struct weft_view *list, struct weft_view *element)
{
    while (list->size > 0) {
        size_t i = 0;
        bool quoted = false;
        for (; i < list->size && (quoted || list->data[i] != ','); i++)
            quoted ^= list->data[i] == '"';
        *element = trim(weft_view(list->data, i));
        *list = i < list->size ? weft_view_skip(*list, i + 1) : weft_view(NULL, 0);
        if (element->size > 0)
            return true;
    }
    return false;
}

bool weft_http_is(struct weft_view text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

/* Reads 0.5 or 1 as thousandths; what is no such number counts as 1. */
static unsigned read_quality(struct weft_view text)
{
    if (text.size == 0 || (text.data[0] != '0' && text.data[0] != '1') || text.data[0] == '1')
        return 1000;
    unsigned quality = 0, unit = 100;
    for (size_t i = 2; i < text.size && i < 5; i++, unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 1000;
        quality += unit * (unsigned)(text.data[i] - '0');
    }
    return quality;
}

/* Returns how exactly a range names something: 3 by its name, 2 as type/ *, 1 as a star, 0 not at all. */
static unsigned exactness(struct weft_view range, const char *name)
{
    if (weft_http_is(range, name))
        return 3;
    if (weft_view_equal(range, weft_view("*/*", 3)) || weft_view_equal(range, weft_view("*", 1)))
        return 1;
    const char *slash = strchr(name, '/');
    size_t type = slash ? (size_t)(slash - name) + 1 : 0;
    bool is_range = slash && range.size == type + 1 && range.data[type] == '*' &&
                    strncasecmp((const char *)range.data, name, type) == 0;
    return is_range ? 2 : 0;
}

unsigned weft_http_quality(struct weft_view list, const char *name)
{
    struct weft_view element;
    unsigned quality = 0, most = 0;
    while (weft_http_next_element(&list, &element)) {
        struct weft_view range = trim(take_until(&element, ';'));
        unsigned exact = exactness(range, name), wanted = 1000;
        while (element.size > 0) {
            struct weft_view value = trim(take_until(&element, ';'));
            struct weft_view key = trim(take_until(&value, '='));
            if (weft_http_is(key, "q"))
                wanted = read_quality(trim(value));
        }
        if (exact > most) {
            most = exact;
            quality = wanted;
        }
    }
    return quality;
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool weft_http_decode(struct weft_view text, bool form, uint8_t *dst, size_t *size)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            if (text.size - i < 3 || digit_of(text.data[i + 1]) < 0 ||
                digit_of(text.data[i + 2]) < 0)
                return false;
            byte = (uint8_t)(digit_of(text.data[i + 1]) << 4 | digit_of(text.data[i + 2]));
            i += 2;
        } else if (form && byte == '+') {
            byte = ' ';
        }
        dst[n++] = byte;
    }
    *size = n;
    return true;
}
