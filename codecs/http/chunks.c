/* SPDX-License-Identifier: MIT */
#include "chunks.h"

enum {
    CHUNK_LINE = 256,  /* bytes of a chunk's head, its extensions and CR LF included */
    CHUNK_DIGITS = 15, /* more digits than any body needs, and few enough for 64 bits */
};

static int malformed(struct weft_message *msg, const char *why)
{
    weft__http_refuse(msg, WEFT_MESSAGE_MALFORMED, why, 0, 0);
    return -1;
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads the digits at the beginning of a line. Returns how many there are. */
static size_t read_size(struct weft_view line, uint64_t *size)
{
    size_t digits = 0;
    *size = 0;
    for (; digits < line.size && digit_of(line.data[digits]) >= 0; digits++)
        if (digits < CHUNK_DIGITS)
            *size = *size << 4 | (uint64_t)digit_of(line.data[digits]);
    return digits;
}

static bool has_control(struct weft_view text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((text.data[i] < ' ' && text.data[i] != '\t') || text.data[i] == 0x7F)
            return true;
    return false;
}

/* Finds the line that begins at `at`. Returns 1 with *line set, without its CR LF; 0 if its end has not
 * come; -1 if it is refused. */
static int find_line(struct weft_view in, uint64_t at, size_t max, struct weft_view *line,
                     struct weft_message *msg)
{
    struct weft_view rest = weft_view_skip(in, (size_t)at);
    size_t most = rest.size < max ? rest.size : max;
    const uint8_t *lf = most > 0 ? memchr(rest.data, '\n', most) : NULL;
    if (!lf)
        return rest.size < max ? 0 : malformed(msg, "a line among the chunks is too long");
    size_t size = (size_t)(lf - rest.data);
    if (size == 0 || lf[-1] != '\r')
        return malformed(msg, "a line among the chunks that does not end with CR LF");
    *line = weft_view(rest.data, size - 1);
    return has_control(*line) ? malformed(msg, "a control character among the chunks") : 1;
}

/* Reads trailers, which are checked and dropped, up to the empty line. Returns as the walk. */
static int walk_trailers(struct weft__http_chunks *chunks, struct weft_view in,
                         const struct weft__http_limits *limits, struct weft_message *msg)
{
    for (;;) {
        struct weft_view line;
        int found = find_line(in, chunks->at, limits->line, &line, msg);
        if (found != 1)
            return found;
        chunks->at += line.size + 2;
        if (line.size == 0)
            return 1;
        const uint8_t *colon = memchr(line.data, ':', line.size);
        if (!colon || colon == line.data || memchr(line.data, ' ', (size_t)(colon - line.data)) ||
            memchr(line.data, '\t', (size_t)(colon - line.data)))
            return malformed(msg, "a trailer that is no field");
        chunks->trailer_bytes += (uint32_t)line.size + 2;
        if (++chunks->trailers > limits->fields || chunks->trailer_bytes > limits->head)
            return malformed(msg, "too many trailers");
    }
}

/* Reads the head of the chunk at chunks->at. Returns 1 with the size of its data and where that begins, or as
 * the walk. */
static int read_chunk(const struct weft__http_chunks *chunks, struct weft_view in, uint64_t *size,
                      uint64_t *begin, struct weft_message *msg)
{
    struct weft_view line;
    int found = find_line(in, chunks->at, CHUNK_LINE, &line, msg);
    if (found != 1)
        return found;
    size_t digits = read_size(line, size);
    if (digits == 0 || digits > CHUNK_DIGITS || (digits < line.size && line.data[digits] != ';'))
        return malformed(msg, "not the size of a chunk");
    *begin = chunks->at + line.size + 2;
    return 1;
}

/* Refuses a chunk whose size makes the body too large, or a body that is mostly heads of chunks: what waits
 * for its end takes memory. */
static int check_chunk(const struct weft__http_chunks *chunks, uint64_t size, uint64_t begin,
                       uint64_t max, const struct weft__http_limits *limits,
                       struct weft_message *msg)
{
    if (size > max - chunks->data) {
        weft__http_refuse(msg, WEFT_MESSAGE_TOO_BIG, "max-frame", chunks->data + size, max);
        return -1;
    }
    if (begin - chunks->data > limits->head + chunks->data)
        return malformed(msg, "chunks that are too small");
    return 1;
}

int weft__http_walk_chunks(struct weft__http_chunks *chunks, struct weft_view in, uint64_t max,
                           const struct weft__http_limits *limits, struct weft_message *msg,
                           size_t *need)
{
    *need = 0;
    while (!chunks->behind) {
        uint64_t size = 0, begin = 0;
        int found = read_chunk(chunks, in, &size, &begin, msg);
        if (found == 1)
            found = check_chunk(chunks, size, begin, max, limits, msg);
        if (found != 1)
            return found;
        if (size == 0) {
            chunks->behind = true;
            chunks->at = begin;
            break;
        }
        uint64_t end = begin + size;
        if (in.size < end + 2) {
            *need = (size_t)end + 2;
            return 0;
        }
        if (memcmp(in.data + end, "\r\n", 2) != 0)
            return malformed(msg, "a chunk that does not end with CR LF");
        chunks->at = end + 2;
        chunks->data += size;
    }
    return walk_trailers(chunks, in, limits, msg);
}

void weft__http_copy_chunks(struct weft_view in, uint8_t *dst)
{
    for (;;) {
        uint64_t size;
        (void)read_size(in, &size);
        if (size == 0)
            return;
        const uint8_t *lf = memchr(in.data, '\n', in.size);
        in = weft_view_skip(in, (size_t)(lf - in.data) + 1);
        memcpy(dst, in.data, (size_t)size);
        dst += size;
        in = weft_view_skip(in, (size_t)size + 2);
    }
}
