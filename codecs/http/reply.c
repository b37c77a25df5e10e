/* SPDX-License-Identifier: MIT */
#include "reply.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

struct weft__http_special {
    uint32_t number;
    uint32_t flags;
};

enum { FIRST_NOTES = 4, EXTRA_MAX = 64, CHUNK_HEAD_MAX = 24 };

static const char close_field[] = "Connection: close\r\n";
static const char keep_field[] = "Connection: keep-alive\r\n";
static const char chunked_field[] = "Transfer-Encoding: chunked\r\n";
static const char last_chunk[] = "0\r\n\r\n";
static const char no_content[] = "HTTP/1.1 204 No Content\r\n\r\n";

/* Makes room for a note behind the others, by moving them to the front or to a larger array. */
static int make_room(struct weft__http_answers *answers)
{
    if (answers->first + answers->count < answers->cap)
        return 0;
    if (answers->first > 0) {
        memmove(answers->special, answers->special + answers->first,
                answers->count * sizeof *answers->special);
        answers->first = 0;
        return 0;
    }
    uint32_t cap = answers->cap > 0 ? answers->cap * 2 : FIRST_NOTES;
    struct weft__http_special *more = weft_realloc(answers->special, cap * sizeof *more);
    if (!more)
        return -ENOMEM;
    answers->special = more;
    answers->cap = cap;
    return 0;
}

int weft__http_ask(struct weft__http_answers *answers, unsigned flags)
{
    if (flags != 0) {
        int err = make_room(answers);
        if (err < 0)
            return err;
        answers->special[answers->first + answers->count++] =
            (struct weft__http_special){.number = answers->asked, .flags = flags};
    }
    answers->asked++;
    return 0;
}

void weft__http_answers_fini(struct weft__http_answers *answers)
{
    weft_free(answers->special);
}

static unsigned flags_of(const struct weft__http_answers *answers)
{
    if (answers->count == 0)
        return 0;
    const struct weft__http_special *special = &answers->special[answers->first];
    return special->number == answers->answered ? special->flags : 0;
}

static void end_answer(struct weft__http_answers *answers, struct weft_encode_io *io)
{
    unsigned flags = flags_of(answers);
    io->over = flags & WEFT__HTTP_CLOSE || answers->endless;
    if (flags != 0) {
        answers->count--;
        answers->first = answers->count > 0 ? answers->first + 1 : 0;
    }
    answers->answered++;
    answers->begun = answers->chunked = answers->endless = false;
}

static int append_body(struct weft_chain *out, const struct weft_body *body)
{
    if (body->blob)
        return weft_chain_append_blob(out, body->blob);
    uint8_t *dst = weft_chain_reserve(out, body->size);
    if (!dst)
        return -ENOMEM;
    body->write(body, dst);
    weft_chain_commit(out, body->size);
    return 0;
}

static int append_text(struct weft_chain *out, const char *text)
{
    return weft_chain_append(out, weft_view_str(text));
}

/* True if a head says how long its body is. */
static bool says_length(struct weft_view head)
{
    static const char names[][20] = {"content-length:", "transfer-encoding:"};
    const uint8_t *lf;
    while ((lf = memchr(head.data, '\n', head.size))) {
        head = weft_view_skip(head, (size_t)(lf - head.data) + 1);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (head.size > strlen(names[i]) &&
                strncasecmp((const char *)head.data, names[i], strlen(names[i])) == 0)
                return true;
    }
    return false;
}

/* A decision about the first message of an answer. */
struct plan {
    const char *field[2]; /* added to it; NULL: none */
    size_t size;          /* bytes of the reply that leave */
    bool chunked, endless;
};

/* Returns the field that says if the connection goes on, or NULL. */
static const char *connection_field(unsigned flags, bool endless)
{
    if (flags & WEFT__HTTP_CLOSE || endless)
        return close_field;
    return flags & WEFT__HTTP_KEEP ? keep_field : NULL;
}

/* Decides what becomes of an answer that begins with `reply`. last: it is all of the answer. */
static struct plan plan_for(struct weft_view reply, unsigned flags, bool last)
{
    size_t head = weft__http_head_size(reply);
    struct plan plan = {.size = flags & WEFT__HTTP_HEAD ? head : reply.size};
    bool open = !last && !says_length(weft_view(reply.data, head));
    plan.endless = open && flags & WEFT__HTTP_OLD && !(flags & WEFT__HTTP_HEAD);
    plan.chunked = open && !(flags & WEFT__HTTP_OLD);
    plan.field[0] = connection_field(flags, plan.endless);
    if (plan.chunked)
        plan.field[1] = chunked_field;
    return plan;
}

static uint8_t *put(uint8_t *dst, const char *text)
{
    size_t size = text ? strlen(text) : 0;
    if (size > 0)
        memcpy(dst, text, size);
    return dst + size;
}

/* Writes a reply whose head gets more fields, which stand behind the status line. `copy` has the bytes of the
 * reply, and is not where they go. The head may be followed by a first piece of the body, which becomes a
 * chunk if the plan says so. */
static int append_planned(struct weft_chain *out, struct weft_view copy, const struct plan *plan)
{
    char chunk[CHUNK_HEAD_MAX];
    const uint8_t *lf = memchr(copy.data, '\n', copy.size);
    size_t line = lf ? (size_t)(lf - copy.data) + 1 : 0;
    size_t head = plan->chunked ? weft__http_head_size(copy) : plan->size;
    size_t body = plan->size - head;
    uint8_t *dst = weft_chain_reserve(out, plan->size + 2 * EXTRA_MAX);
    if (!dst)
        return -ENOMEM;
    uint8_t *at = dst;
    memcpy(at, copy.data, line);
    at = put(put(at + line, plan->field[0]), plan->field[1]);
    memcpy(at, copy.data + line, head - line);
    at += head - line;
    if (body > 0) {
        (void)snprintf(chunk, sizeof chunk, "%zx\r\n", body);
        at = put(at, chunk);
        memcpy(at, copy.data + head, body);
        at = put(at + body, "\r\n");
    }
    weft_chain_commit(out, (size_t)(at - dst));
    return 0;
}

/* Sends the first message of an answer that is not sent as it is. */
WEFT_NOINLINE static int begin_answer(struct weft__http_answers *answers,
                                      const struct weft_body *body, struct weft_encode_io *io)
{
    uint8_t *copy = NULL;
    struct weft_view reply;
    if (body->blob) {
        reply = weft_blob_view(body->blob);
    } else {
        copy = weft_malloc(body->size > 0 ? body->size : 1);
        if (!copy)
            return -ENOMEM;
        body->write(body, copy);
        reply = weft_view(copy, body->size);
    }
    struct plan plan = plan_for(reply, flags_of(answers), io->last);
    int err = append_planned(io->out, reply, &plan);
    weft_free(copy);
    if (err < 0)
        return err;
    answers->begun = true;
    answers->chunked = plan.chunked;
    answers->endless = plan.endless;
    return 0;
}

static int append_chunk(struct weft_chain *out, const struct weft_body *body)
{
    char head[CHUNK_HEAD_MAX];
    if (body->size == 0)
        return 0; /* a chunk without bytes would be the last one */
    (void)snprintf(head, sizeof head, "%zx\r\n", body->size);
    int err = append_text(out, head);
    if (err == 0)
        err = append_body(out, body);
    return err == 0 ? append_text(out, "\r\n") : err;
}

/* Sends a message behind the first of its answer. */
static int go_on(const struct weft__http_answers *answers, const struct weft_body *body,
                 struct weft_chain *out)
{
    if (flags_of(answers) & WEFT__HTTP_HEAD)
        return 0;
    return answers->chunked ? append_chunk(out, body) : append_body(out, body);
}

static int end_chunks(const struct weft__http_answers *answers, struct weft_chain *out)
{
    bool owed = answers->chunked && !(flags_of(answers) & WEFT__HTTP_HEAD);
    return owed ? append_text(out, last_chunk) : 0;
}

/* Sends all of an answer, as gzip if the client takes that and it is worth it. */
static int send_whole(struct weft__http_answers *answers, const struct weft__http_coding *coding,
                      const struct weft_body *body, struct weft_encode_io *io)
{
    unsigned flags = flags_of(answers);
    const struct weft__http_coded coded = {
        .field = connection_field(flags, false),
        .head_only = flags & WEFT__HTTP_HEAD,
        .must = flags & WEFT__HTTP_MUST,
    };
    if (flags & WEFT__HTTP_GZIP) {
        int sent = weft__http_send_coded(coding, &coded, body, io);
        if (sent != 0)
            return sent < 0 ? sent : 0;
    }
    if ((flags & ~(unsigned)(WEFT__HTTP_GZIP | WEFT__HTTP_MUST)) == 0)
        return append_body(io->out, body);
    return begin_answer(answers, body, io);
}

static int send_some(struct weft__http_answers *answers, const struct weft__http_coding *coding,
                     const struct weft_body *body, struct weft_encode_io *io)
{
    if (answers->begun)
        return go_on(answers, body, io->out);
    return io->last ? send_whole(answers, coding, body, io) : begin_answer(answers, body, io);
}

/* An answer that is not one whole message to a request without notes. */
WEFT_NOINLINE static int encode_special(struct weft__http_answers *answers,
                                        const struct weft__http_coding *coding,
                                        const struct weft_body *body, struct weft_encode_io *io)
{
    struct weft_chain_mark mark = weft_chain_mark(io->out);
    const struct weft__http_answers before = *answers;
    int err = send_some(answers, coding, body, io);
    if (err == 0 && io->last)
        err = end_chunks(answers, io->out);
    if (err < 0) {
        weft_chain_rollback(io->out, mark);
        *answers = before;
        return err;
    }
    if (io->last)
        end_answer(answers, io);
    return 0;
}

int weft__http_encode(struct weft__http_answers *answers, const struct weft__http_coding *coding,
                      const struct weft_body *body, struct weft_encode_io *io)
{
    if (!io->last || answers->begun || flags_of(answers) != 0)
        return encode_special(answers, coding, body, io);
    int err = append_body(io->out, body);
    if (err == 0)
        answers->answered++;
    return err;
}

int weft__http_finish(struct weft__http_answers *answers, const struct weft__http_coding *coding,
                      struct weft_encode_io *io)
{
    if (!answers->begun) {
        /* HTTP has no request without an answer. */
        struct weft_body_bytes body = weft_body_from_view(weft_view_str(no_content));
        return weft__http_encode(answers, coding, &body.body, io);
    }
    int err = end_chunks(answers, io->out);
    if (err == 0)
        end_answer(answers, io);
    return err;
}
