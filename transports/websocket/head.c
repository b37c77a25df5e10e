/* SPDX-License-Identifier: MIT */
#include "head.h"

#include <strings.h>

static bool is_token_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct weft_view text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!is_token_char(text.data[i]))
            return false;
    return text.size > 0;
}

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

/* Returns the bytes before the first c and leaves in *rest those behind it. Without a c, it returns all of
 * *rest and sets *found to false. */
static struct weft_view cut(struct weft_view *rest, uint8_t c, bool *found)
{
    const uint8_t *at = rest->size > 0 ? memchr(rest->data, c, rest->size) : NULL;
    size_t size = at ? (size_t)(at - rest->data) : rest->size;
    struct weft_view first = weft_view(rest->data, size);

    *found = at != NULL;
    *rest = weft_view_skip(*rest, at ? size + 1 : size);
    return first;
}

size_t weft__ws_head_end(struct weft_view text, size_t from)
{
    size_t at = from < 3 ? 0 : from - 3;

    while (text.size - at >= 4) {
        const uint8_t *cr = memchr(text.data + at, '\r', text.size - at - 3);
        if (!cr)
            return 0;
        at = (size_t)(cr - text.data);
        if (memcmp(cr, "\r\n\r\n", 4) == 0)
            return at + 4;
        at++;
    }
    return 0;
}

/* True if no byte is a control character but a tab. */
static bool is_text(struct weft_view text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((text.data[i] < 0x20 && text.data[i] != '\t') || text.data[i] == 0x7f)
            return false;
    return true;
}

static const char *read_first_line(struct weft__ws_head *head, struct weft_view line, bool response)
{
    static const char request[] = "not a request line of HTTP";
    static const char answer[] = "not a status line of HTTP";
    bool found;

    for (int i = 0; i < 2; i++) {
        head->line[i] = cut(&line, ' ', &found);
        /* The reason and the space before it may be absent. */
        if (head->line[i].size == 0 || (!found && !(response && i == 1)))
            return response ? answer : request;
    }
    head->line[2] = line;
    if (!response && memchr(line.data, ' ', line.size))
        return request;
    struct weft_view version = head->line[response ? 0 : 2];
    if (version.size != 8 || memcmp(version.data, "HTTP/", 5) != 0)
        return response ? answer : request;
    return response || is_token(head->line[0]) ? NULL : request;
}

static const char *read_field(struct weft__ws_head *head, struct weft_view line)
{
    bool found;

    if (is_space(line.data[0]))
        return "a field that goes on in the next line";
    struct weft_view name = cut(&line, ':', &found);
    if (!found || !is_token(name))
        return "a line that is not a field";
    if (head->count == WEFT__WS_FIELDS_MAX)
        return "more than 64 fields";
    head->fields[head->count].name = name;
    head->fields[head->count++].value = trim(line);
    return NULL;
}

const char *weft__ws_head_read(struct weft__ws_head *head, struct weft_view text, bool response)
{
    bool first = true, found;

    head->count = 0;
    text.size -= 2; /* the empty line */
    while (text.size > 0) {
        struct weft_view line = cut(&text, '\n', &found);
        if (line.size == 0 || line.data[line.size - 1] != '\r')
            return "a line that does not end with CR LF";
        line.size--;
        if (!is_text(line))
            return "a control character";
        if (line.size == 0)
            return first ? "an empty first line" : "an empty line among the fields";
        const char *why = first ? read_first_line(head, line, response) : read_field(head, line);
        if (why)
            return why;
        first = false;
    }
    return first ? "an empty head" : NULL;
}

bool weft__ws_is_word(struct weft_view text, const char *word)
{
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

struct weft_view weft__ws_head_only(const struct weft__ws_head *head, const char *name,
                                    size_t *count)
{
    struct weft_view value = weft_view(NULL, 0);

    *count = 0;
    for (size_t i = 0; i < head->count; i++)
        if (weft__ws_is_word(head->fields[i].name, name)) {
            value = head->fields[i].value;
            (*count)++;
        }
    return *count == 1 ? value : weft_view(NULL, 0);
}

bool weft__ws_head_lists(const struct weft__ws_head *head, const char *name, const char *item,
                         bool exact)
{
    for (size_t i = 0; i < head->count; i++) {
        struct weft_view rest = head->fields[i].value;
        bool more = weft__ws_is_word(head->fields[i].name, name);
        while (more) {
            struct weft_view one = trim(cut(&rest, ',', &more));
            if (exact ? weft_view_equal(one, weft_view_str(item)) : weft__ws_is_word(one, item))
                return true;
        }
    }
    return false;
}
