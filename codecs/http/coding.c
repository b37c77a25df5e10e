/* SPDX-License-Identifier: MIT */
#include "coding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "core/base/compiler.h"

static const char end_of_head[] = "\r\n\r\n", tag_end[] = "-gzip";
static const char coding_field[] = "Content-Encoding: gzip\r\n";
static const char vary_field[] = "Vary: Accept-Encoding\r\n";

/* The most bytes that a head grows by: the fields above, the end of a tag, a length and `field`. */
enum { HEAD_EXTRA = 160 };

void weft__http_coder_fini(struct weft__http_coder *coder)
{
    weft__scratch_fini(&coder->scratch);
    weft__gzip_fini(&coder->gzip);
}

size_t weft__http_head_size(struct weft_view reply)
{
    const uint8_t *end = memmem(reply.data, reply.size, end_of_head, sizeof end_of_head - 1);
    return end ? (size_t)(end - reply.data) + sizeof end_of_head - 1 : reply.size;
}

/* --- heads ------------------------------------------------------------------------------------------ */

/* Takes the next line of a head with its end. */
static struct weft_view take_line(struct weft_view *head)
{
    const uint8_t *lf = memchr(head->data, '\n', head->size);
    struct weft_view line = *head;
    if (lf)
        line.size = (size_t)(lf - head->data) + 1;
    *head = weft_view_skip(*head, line.size);
    return line;
}

static bool is_field(struct weft_view line, const char *name)
{
    size_t size = strlen(name);
    return line.size > size && line.data[size] == ':' &&
           strncasecmp((const char *)line.data, name, size) == 0;
}

static bool mentions(struct weft_view line, const char *word)
{
    size_t size = strlen(word);
    for (size_t i = 0; i + size <= line.size; i++)
        if (strncasecmp((const char *)line.data + i, word, size) == 0)
            return true;
    return false;
}

/* Reads what a head says of its content. False: the content must stay as it is. *varies: the head says that the
 * reply depends on Accept-Encoding. */
static bool read_head(struct weft_view head, bool *varies)
{
    *varies = false;
    (void)take_line(&head);
    while (head.size > 0) {
        struct weft_view line = take_line(&head);
        if (is_field(line, "content-encoding") || is_field(line, "content-range") ||
            is_field(line, "transfer-encoding") ||
            (is_field(line, "cache-control") && mentions(line, "no-transform")))
            return false;
        *varies |= is_field(line, "vary") && mentions(line, "accept-encoding");
    }
    return true;
}

static uint8_t *put(uint8_t *dst, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(dst, bytes, size);
    return dst + size;
}

/* A tag names one form of a value, so that the compressed form needs its own. */
static uint8_t *put_tag(uint8_t *dst, struct weft_view line)
{
    const uint8_t *open = memchr(line.data, '"', line.size);
    const uint8_t *close = memrchr(line.data, '"', line.size);
    bool strong = open && close > open && open[-1] != '/';
    if (!strong)
        return put(dst, line.data, line.size);
    size_t before = (size_t)(close - line.data);
    dst = put(dst, line.data, before);
    dst = put(dst, tag_end, sizeof tag_end - 1);
    return put(dst, close, line.size - before);
}

/* Writes the head for a content of `size` compressed bytes. Returns the position behind it. */
static uint8_t *put_head(uint8_t *dst, struct weft_view head, const struct weft__http_coded *coded,
                         size_t size, bool varies)
{
    char length[48];
    struct weft_view line = take_line(&head);
    dst = put(dst, line.data, line.size);
    if (coded->field)
        dst = put(dst, coded->field, strlen(coded->field));
    while (head.size > 2) {
        line = take_line(&head);
        if (is_field(line, "etag"))
            dst = put_tag(dst, line);
        else if (!is_field(line, "content-length"))
            dst = put(dst, line.data, line.size);
    }
    dst = put(dst, coding_field, sizeof coding_field - 1);
    if (!varies)
        dst = put(dst, vary_field, sizeof vary_field - 1);
    int digits = snprintf(length, sizeof length, "Content-Length: %zu\r\n\r\n", size);
    return put(dst, length, (size_t)digits);
}

/* --- contents --------------------------------------------------------------------------------------- */

/* A reply on its way to be compressed. */
struct reply {
    const struct weft__http_coding *coding;
    const struct weft__http_coded *coded;
    const struct weft_body_parts *parts; /* NULL: the body is of another kind */
    struct weft_view head, content;
    bool varies;
    bool keep;              /* the member is to be kept */
    struct weft_blob *kept; /* the member, if it is a blob: a reference */
    struct weft_view member;
};

/* Returns the most bytes of a member that is worth sending. */
static size_t most_of(const struct reply *reply)
{
    size_t size = reply->content.size;
    const size_t more = sizeof coding_field + sizeof vary_field + sizeof tag_end;
    if (reply->coded->must)
        return size + size / 512 + 64;
    return size > more ? size - more : 0;
}

/* Lays the body in the scratch, if it lies nowhere yet, with room for a member behind it. */
static int lay_out(struct reply *reply, const struct weft_body *body, size_t *before)
{
    struct weft__scratch *scratch = &reply->coding->coder->scratch;
    *before = reply->parts || body->blob ? 0 : body->size;
    if (weft__scratch_reserve(scratch, *before + body->size + body->size / 512 + 64) < 0)
        return -ENOMEM;
    struct weft_view all = weft_view(scratch->data, body->size);
    if (reply->parts)
        return 0;
    if (body->blob)
        all = weft_blob_view(body->blob);
    else
        body->write(body, scratch->data);
    reply->head = weft_view(all.data, weft__http_head_size(all));
    reply->content = weft_view_skip(all, reply->head.size);
    return 0;
}

/* Makes the member a blob, and keeps it. If there is no memory for that, it stays in the scratch. */
static void keep_member(struct reply *reply, struct weft_frame_cache *frames)
{
    uint8_t *data;
    reply->kept = weft_blob_new(reply->member.size, &data);
    if (!reply->kept)
        return;
    memcpy(data, reply->member.data, reply->member.size);
    reply->member = weft_blob_view(reply->kept);
    weft_frame_cache_put(frames, reply->parts->blob, reply->coding->config_id, reply->kept);
}

/* Compresses the content. Returns as weft__http_send_coded. */
static int compress(struct reply *reply, const struct weft_body *body, struct weft_encode_io *io)
{
    const struct weft__http_coding *coding = reply->coding;
    size_t before;
    if (lay_out(reply, body, &before) < 0)
        return -ENOMEM;
    int level = weft__gzip_level(coding->settings, reply->content.size, reply->coded->must);
    size_t most = most_of(reply);
    if (level == 0 || most == 0 || reply->content.size == 0 ||
        !read_head(reply->head, &reply->varies))
        return 0;
    uint8_t *dst = coding->coder->scratch.data + before;
    ssize_t size = weft__gzip_deflate(&coding->coder->gzip, level, reply->content, dst, most);
    io->heavy = size >= 0;
    if (size < 0)
        return (int)size;
    reply->member = weft_view(dst, (size_t)size);
    if (reply->keep && size > 0)
        keep_member(reply, io->frames);
    else if (reply->keep && !reply->coded->must)
        weft_frame_cache_put(io->frames, reply->parts->blob, coding->config_id, NULL);
    return size > 0;
}

/* Looks for a member that is kept, and compresses the content if there is none. Returns as
 * weft__http_send_coded. */
static int find_member(struct reply *reply, const struct weft_body *body, struct weft_encode_io *io)
{
    const struct weft_body_parts *parts = reply->parts;
    if (!parts)
        return compress(reply, body, io);
    reply->head = parts->head;
    reply->content = parts->content;
    enum weft_frame_found found =
        weft_frame_cache_get(io->frames, parts->blob, reply->coding->config_id, &reply->kept);
    if (found == WEFT_FRAME_HIT) {
        reply->member = weft_blob_view(reply->kept);
        return read_head(reply->head, &reply->varies);
    }
    if (found == WEFT_FRAME_PLAIN && !reply->coded->must)
        return 0;
    reply->keep = found == WEFT_FRAME_MISS && parts->lasting && io->frames;
    return compress(reply, body, io);
}

static int append_coded(const struct reply *reply, struct weft_chain *out)
{
    uint8_t *dst = weft_chain_reserve(out, reply->head.size + HEAD_EXTRA);
    if (!dst)
        return -ENOMEM;
    const uint8_t *end =
        put_head(dst, reply->head, reply->coded, reply->member.size, reply->varies);
    weft_chain_commit(out, (size_t)(end - dst));
    if (reply->coded->head_only)
        return 0;
    return reply->kept ? weft_chain_append_blob(out, reply->kept)
                       : weft_chain_append(out, reply->member);
}

WEFT_NOINLINE int weft__http_send_coded(const struct weft__http_coding *coding,
                                        const struct weft__http_coded *coded,
                                        const struct weft_body *body, struct weft_encode_io *io)
{
    struct reply reply = {.coding = coding, .coded = coded, .parts = weft_body_parts_of(body)};
    if (body->size <= coding->settings->threshold && !coded->must)
        return 0;
    if (coding->settings->threshold == UINT64_MAX)
        return 0;
    int result = find_member(&reply, body, io);
    if (result > 0) {
        struct weft_chain_mark mark = weft_chain_mark(io->out);
        int err = append_coded(&reply, io->out);
        if (err < 0) {
            weft_chain_rollback(io->out, mark);
            result = err;
        }
    }
    weft_blob_unref(reply.kept);
    weft__scratch_trim(&coding->coder->scratch);
    return result;
}
