/* SPDX-License-Identifier: MIT */
#include "feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OPTIONS_MAX = 8,
    QUERY_MAX = 256,
    STALE = 0xdd,    /* what a view shows after its call */
    FENCE = 0xa5,    /* what stands behind a state */
    FENCE_SIZE = 16, /* bytes of it */
    ENDLESS = 1000,  /* messages in a row that took no byte */
};

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
enum { WATCHED = 1 };
#else
enum { WATCHED = 0 };
#endif

/* A test that runs out of memory itself has nothing to tell. */
static void *must(void *p)
{
    if (!p) {
        fputs("feed: no memory\n", stderr);
        abort();
    }
    return p;
}

/* malloc(0) may be NULL. */
static void *zeroed(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

/* A state of size bytes. A sanitizer sees a write beyond its end; without one, a fence shows it. */
static void *state_of(size_t size)
{
    uint8_t *state = zeroed(size + (WATCHED ? 0 : FENCE_SIZE));
    if (!WATCHED)
        memset(state + size, FENCE, FENCE_SIZE);
    return state;
}

static bool fence_stands(const void *state, size_t size)
{
    static const uint8_t fence[FENCE_SIZE] = {FENCE, FENCE, FENCE, FENCE, FENCE, FENCE,
                                              FENCE, FENCE, FENCE, FENCE, FENCE, FENCE,
                                              FENCE, FENCE, FENCE, FENCE};
    return WATCHED || memcmp((const uint8_t *)state + size, fence, FENCE_SIZE) == 0;
}

static bool states_fit(const struct weft_codec *codec, const struct weft_codec_state *state)
{
    return fence_stands(state->config, codec->config_size) &&
           fence_stands(state->loop, codec->loop_size) &&
           fence_stands(state->conn, codec->conn_size);
}

static uint8_t *copy_of(const void *data, size_t size)
{
    uint8_t *copy = zeroed(size);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

size_t feed_parse_query(char *text, struct weft_option_value *values, size_t room)
{
    size_t count = 0;
    char *rest = text;
    for (char *pair; (pair = strsep(&rest, "&")) && count < room;) {
        char *value = strchr(pair, '=');
        if (!value)
            continue;
        *value = '\0';
        values[count++] = (struct weft_option_value){pair, value + 1};
    }
    return count;
}

int feed_codec_init(struct feed_codec *fc, const struct weft_codec *codec, const char *query,
                    const struct weft_limits *limits, struct weft_error *error)
{
    char text[QUERY_MAX];
    struct weft_option_value values[OPTIONS_MAX];
    snprintf(text, sizeof text, "%s", query);
    struct weft_option_set set = {values, feed_parse_query(text, values, OPTIONS_MAX)};

    *fc = (struct feed_codec){.codec = codec, .config_id = 1};
    fc->config = state_of(codec->config_size);
    int err = codec->configure ? codec->configure(fc->config, &set, limits, error) : 0;
    if (err < 0)
        goto err_after_config;
    fc->loop = state_of(codec->loop_size);
    err = codec->loop_init ? codec->loop_init(fc->loop, fc->config) : 0;
    if (err < 0)
        goto err_after_loop;
    return 0;

err_after_loop:
    free(fc->loop);
err_after_config:
    free(fc->config);
    *fc = (struct feed_codec){0};
    return err;
}

void feed_codec_fini(struct feed_codec *fc)
{
    if (!fc->codec)
        return;
    if (fc->codec->loop_fini)
        fc->codec->loop_fini(fc->loop);
    free(fc->loop);
    free(fc->config);
    *fc = (struct feed_codec){0};
}

void feed_init(struct feed *feed, const struct feed_codec *fc, enum weft_role role)
{
    *feed = (struct feed){.codec = fc->codec};
    feed->state = (struct weft_codec_state){
        .config = fc->config,
        .loop = fc->loop,
        .conn = state_of(fc->codec->conn_size),
        .config_id = fc->config_id,
        .now = &feed->now,
    };
    feed->unread = copy_of(NULL, 0);
    weft_chain_init(&feed->out, NULL);
    if (feed->codec->init)
        feed->codec->init(&feed->state, role);
}

void feed_fini(struct feed *feed)
{
    if (feed->codec->fini)
        feed->codec->fini(&feed->state);
    for (size_t i = 0; i < feed->count; i++) {
        free(feed->messages[i].payload);
        free(feed->messages[i].target);
        free(feed->messages[i].metadata);
        free(feed->messages[i].credentials);
    }
    free(feed->messages);
    free(feed->unread);
    if (feed->view_room > 0)
        guarded_free(&feed->view);
    free(feed->state.conn);
    weft_chain_fini(&feed->out);
    *feed = (struct feed){0};
}

static void rule(struct feed *feed, bool kept, const char *text)
{
    if (!kept && !feed->broken_rule)
        feed->broken_rule = text;
}

static char *text_of(struct weft_view view)
{
    char *text = zeroed(view.size + 1);
    if (view.size > 0)
        memcpy(text, view.data, view.size);
    return text;
}

static void take_message(struct feed *feed, const struct weft_message *msg)
{
    bool ok = msg->status == WEFT_MESSAGE_OK;
    bool too_big = msg->status == WEFT_MESSAGE_TOO_BIG;
    rule(feed, ok || msg->payload.size == 0, "a bad message has no payload");
    rule(feed, ok || msg->why, "a bad message says why");
    rule(feed, !too_big || msg->size > msg->limit, "what is too big is over the limit");
    rule(feed, !msg->stream || feed->codec->backlog, "a codec with streams has a backlog");
    rule(feed, msg->stream || !msg->head, "only a message with a stream has a head");

    /* Full at every power of two. */
    if ((feed->count & (feed->count - 1)) == 0)
        feed->messages =
            must(realloc(feed->messages, (2 * feed->count + 1) * sizeof *feed->messages));
    feed->messages[feed->count++] = (struct feed_message){
        .kind = msg->kind,
        .status = msg->status,
        .payload = copy_of(msg->payload.data, msg->payload.size),
        .size = msg->payload.size,
        .announced = too_big ? msg->size : 0,
        .limit = too_big ? msg->limit : 0,
        .why = ok ? NULL : msg->why,
        .stream = msg->stream,
        .deadline = msg->head ? msg->head->deadline : 0,
        .target = text_of(msg->head ? msg->head->target : weft_view(NULL, 0)),
        .metadata = text_of(msg->head ? msg->head->metadata : weft_view(NULL, 0)),
        .credentials = text_of(msg->credentials),
    };
}

/* Returns where decode is to read what is unread. A sanitizer sees a byte read beyond a heap block; without
 * one, the bytes are put right before a page that cannot be touched. */
static const uint8_t *place(struct feed *feed)
{
    if (WATCHED)
        return feed->unread;
    if (feed->unread_size > feed->view_room) {
        if (feed->view_room > 0)
            guarded_free(&feed->view);
        feed->view_room = 2 * feed->unread_size;
        feed->view = guarded_new(feed->view_room);
    }
    uint8_t *at =
        feed->view_room > 0 ? feed->view.data + feed->view_room - feed->unread_size : feed->unread;
    memcpy(at, feed->unread, feed->unread_size);
    return at;
}

/* Calls decode once. True if it is to be called again. */
static bool step(struct feed *feed)
{
    size_t size = feed->unread_size;
    struct weft_message msg = {.kind = WEFT_MESSAGE_NONE};
    struct weft_decode_io io = {.eof = feed->eof, .unknown = feed->unknown, .out = &feed->out};
    ssize_t n = feed->codec->decode(&feed->state, weft_view(place(feed), size), &msg, &io);

    rule(feed, states_fit(feed->codec, &feed->state), "a state is as large as it is declared");
    if (n < 0) {
        rule(feed, n == WEFT_EOVER || n == WEFT_ELOST || n == WEFT_EFOREIGN || n == -ENOMEM,
             "an error of decode is WEFT_EOVER, WEFT_ELOST, WEFT_EFOREIGN or -ENOMEM");
        rule(feed, msg.kind == WEFT_MESSAGE_NONE, "no message comes with an error");
        feed->ended = n;
        feed->detail = io.detail;
        return false;
    }
    rule(feed, (size_t)n <= size, "no more is consumed than came");
    rule(feed, n > 0 || io.inside == feed->inside, "only consumed bytes change inside");
    feed->inside = io.inside;
    if (msg.kind == WEFT_MESSAGE_RESET) {
        feed->resets++;
        feed->last_reset = msg.stream;
    } else if (msg.kind != WEFT_MESSAGE_NONE) {
        take_message(feed, &msg);
    }
    if (msg.kind != WEFT_MESSAGE_NONE && feed->on_message)
        feed->on_message(feed, &msg);
    rule(feed, feed->state.many || msg.kind <= WEFT_MESSAGE_RESET, "nobody takes many messages");
    if (feed->many && msg.status == WEFT_MESSAGE_OK &&
        (msg.kind == WEFT_MESSAGE_HEAD || (msg.kind == WEFT_MESSAGE_PART && !feed->lazy)))
        feed->codec->want(&feed->state, msg.stream, &feed->out);
    if (feed->view_room > 0)
        memset(feed->view.data, STALE, feed->view_room);
    if (n == 0 && msg.kind == WEFT_MESSAGE_NONE) {
        rule(feed, io.need == 0 || io.need > size, "need is more than there is");
        feed->need = io.need;
        return false;
    }
    rule(feed, feed->need <= size || n == 0, "nothing comes before need is reached");
    feed->need = 0;
    feed->idle = n > 0 ? 0 : feed->idle + 1;
    if (feed->idle > ENDLESS) {
        rule(feed, false, "messages that take no byte come to an end");
        return false;
    }
    feed->consumed += (uint64_t)n;
    feed->unread_size = size - (size_t)n;
    uint8_t *rest = copy_of(feed->unread + n, feed->unread_size);
    free(feed->unread);
    feed->unread = rest;
    return true;
}

static void pump(struct feed *feed)
{
    if (feed->ended == 0)
        while (step(feed))
            ;
    if (feed->unread_size > feed->most_held)
        feed->most_held = feed->unread_size;
}

void feed_bytes(struct feed *feed, struct weft_view bytes)
{
    if (feed->ended < 0)
        return;
    /* A new block of exactly this size, never grown in place: the address must not matter. */
    uint8_t *longer = zeroed(feed->unread_size + bytes.size);
    memcpy(longer, feed->unread, feed->unread_size);
    if (bytes.size > 0)
        memcpy(longer + feed->unread_size, bytes.data, bytes.size);
    free(feed->unread);
    feed->unread = longer;
    feed->unread_size += bytes.size;
    pump(feed);
}

void feed_want(struct feed *feed, uint32_t stream)
{
    feed->codec->want(&feed->state, stream, &feed->out);
    pump(feed);
}

void feed_eof(struct feed *feed)
{
    feed->eof = true;
    pump(feed);
}

void feed_pieces(struct feed *feed, struct weft_view bytes, size_t piece)
{
    while (bytes.size > 0) {
        size_t size = bytes.size < piece ? bytes.size : piece;
        feed_bytes(feed, weft_view(bytes.data, size));
        bytes = weft_view_skip(bytes, size);
    }
    feed_eof(feed);
}

void feed_split(struct feed *feed, struct weft_view bytes, size_t at)
{
    feed_bytes(feed, weft_view(bytes.data, at));
    feed_bytes(feed, weft_view_skip(bytes, at));
    feed_eof(feed);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static const char *message_difference(const struct feed_message *a, const struct feed_message *b)
{
    if (a->kind != b->kind || a->stream != b->stream)
        return "a message's kind or stream";
    if (a->status != b->status)
        return "a message's status";
    if (!weft_view_equal(weft_view(a->payload, a->size), weft_view(b->payload, b->size)))
        return "a message's payload";
    if (a->announced != b->announced || a->limit != b->limit || !same_text(a->why, b->why))
        return "a message's reason";
    return NULL;
}

const char *feed_difference(const struct feed *a, const struct feed *b)
{
    if (a->broken_rule)
        return a->broken_rule;
    if (b->broken_rule)
        return b->broken_rule;
    if (a->count != b->count)
        return "the number of messages";
    for (size_t i = 0; i < a->count; i++) {
        const char *difference = message_difference(&a->messages[i], &b->messages[i]);
        if (difference)
            return difference;
    }
    if (a->resets != b->resets || a->last_reset != b->last_reset)
        return "what was reset";
    if (a->ended != b->ended || !same_text(a->detail, b->detail))
        return "how it ended";
    if (a->consumed != b->consumed || a->inside != b->inside)
        return "what was consumed";
    if (a->ended == 0 && a->unread_size != b->unread_size)
        return "what was left";

    uint8_t *said_a = feed_chain_copy(&a->out), *said_b = feed_chain_copy(&b->out);
    bool same = weft_view_equal(weft_view(said_a, a->out.bytes), weft_view(said_b, b->out.bytes));
    free(said_a);
    free(said_b);
    return same ? NULL : "what the codec said";
}

uint8_t *feed_chain_copy(const struct weft_chain *chain)
{
    uint8_t *copy = zeroed(chain->bytes);
    size_t at = 0;
    for (const struct weft_piece *s = chain->head; s; s = s->next) {
        memcpy(copy + at, s->data + s->begin, s->end - s->begin);
        at += s->end - s->begin;
    }
    return copy;
}

/* Fills the last piece of out until `room` bytes are left in it. */
static void fill(struct weft_chain *out, size_t room)
{
    size_t left = out->tail ? out->tail->cap - out->tail->end : 0;
    uint8_t *dst = left > room ? weft_chain_reserve(out, left - room) : NULL;
    if (!dst)
        return;
    memset(dst, STALE, left - room);
    weft_chain_commit(out, left - room);
}

static bool pieces_hold(const struct weft_chain *chain)
{
    for (const struct weft_piece *s = chain->head; s; s = s->next)
        if (s->end > s->cap)
            return false;
    return true;
}

struct feed_frame feed_encode(const struct feed_codec *fc, const struct weft_body *body)
{
    return feed_encode_within(fc, body, SIZE_MAX);
}

struct feed_frame feed_encode_within(const struct feed_codec *fc, const struct weft_body *body,
                                     size_t room)
{
    static const char before[] = "before";
    struct weft_codec_state state = {
        .config = fc->config,
        .loop = fc->loop,
        .conn = state_of(fc->codec->conn_size),
        .config_id = fc->config_id,
    };
    struct weft_chain out;
    struct weft_encode_io io = {.out = &out, .frames = fc->frames, .last = true};
    struct feed_frame frame = {0};

    weft_chain_init(&out, NULL);
    /* Something stands before it, or the chain is empty where not even that can be had. */
    size_t kept = weft_chain_append(&out, weft_view_str(before)) == 0 ? strlen(before) : 0;
    fill(&out, room);
    size_t filled = out.bytes;
    if (fc->codec->init)
        fc->codec->init(&state, WEFT_SERVER);
    frame.result = fc->codec->encode(&state, body, &io);
    if (fc->codec->fini)
        fc->codec->fini(&state);

    uint8_t *all = feed_chain_copy(&out);
    if (!states_fit(fc->codec, &state))
        frame.broken_rule = "a state is as large as it is declared";
    else if (!pieces_hold(&out))
        frame.broken_rule = "encode writes no more than it reserved";
    else if (frame.result < 0 && out.bytes != filled)
        frame.broken_rule = "a failed encode leaves the output as it was";
    else if (memcmp(all, before, kept) != 0)
        frame.broken_rule = "encode only appends";
    else if (frame.result > 0)
        frame.broken_rule = "encode returns 0 or an error";
    frame.size = out.bytes - filled;
    frame.data = copy_of(all + filled, frame.size);
    frame.announced = io.size;
    frame.limit = io.limit;
    frame.why = io.why;
    frame.heavy = io.heavy;
    free(all);
    weft_chain_fini(&out);
    free(state.conn);
    return frame;
}

struct feed_frame feed_encode_view(const struct feed_codec *fc, struct weft_view message)
{
    struct weft_body_bytes bytes = weft_body_from_view(message);
    return feed_encode(fc, &bytes.body);
}
