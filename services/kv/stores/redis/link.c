/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/dialer.h"

enum {
    READ_SIZE = 16 * 1024,
    READS = 8,             /* in a turn */
    READS_AT_END = 256,    /* when time is up, as many as there may be */
    OUT_HIGH = 256 * 1024, /* bytes that wait to be sent */
    FILLS = 4,             /* in a turn, while the stream takes all */
    GREETING_MAX = 5,
};

#define REPLY_MAX   ((size_t)256 << 20)
#define PAUSE_FIRST INT64_C(50000000)   /* nanoseconds */
#define PAUSE_MOST  INT64_C(2000000000) /* nanoseconds */

uint64_t kv_redis_random(uint64_t *state, uint64_t most)
{
    uint64_t x = *state | 1; /* xorshift64: Marsaglia, 2003 */

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x % most;
}

static void on_timer(struct weft_timer *timer);
static void on_flush(struct weft_deferred *deferred);

static void set_name(struct redis_link *link)
{
    const bool is_ipv6 = strchr(link->host, ':');

    snprintf(link->name, sizeof link->name, "%s%s%s:%u", is_ipv6 ? "[" : "", link->host,
             is_ipv6 ? "]" : "", (unsigned)link->port);
}

void kv_redis_link_init(struct redis_link *link)
{
    set_name(link);
    link->timer.fire = on_timer;
    link->flush.run = on_flush;
    weft_chain_init(&link->out, link->pool);
    kv_redis_reader_init(&link->reader, REPLY_MAX);
}

bool kv_redis_link_has_room(const struct redis_link *link)
{
    return link->out.bytes < OUT_HIGH;
}

void kv_redis_link_wake(struct redis_link *link)
{
    if (link->state == REDIS_LINK_UP)
        weft_loop_defer(link->loop, &link->flush);
}

int kv_redis_link_send(struct redis_link *link, const struct weft_view *args, size_t count,
                       size_t replies)
{
    size_t before = link->out.bytes;
    int err = kv_redis_format(&link->out, args, count);

    if (err < 0)
        return err;
    if (link->expected == 0)
        link->heard = weft_loop_now(link->loop);
    link->expected += replies;
    link->given += link->out.bytes - before;
    return 0;
}

/* Ends the connection, if there is one. What the node owes an answer to and has not received is taken back, or else it
 * might receive it once a network is whole again, and overwrite what came over the next connection meanwhile. */
static void hang_up(struct redis_link *link)
{
    weft_timer_stop(&link->timer);
    weft_deferred_cancel(&link->flush);
    if (link->stream) {
        if (link->expected > 0)
            weft_stream_reset(link->stream);
        else
            link->stream->ops->close(link->stream);
        weft_free(link->stream);
        link->stream = NULL;
    }
    weft_chain_fini(&link->out);
    kv_redis_reader_fini(&link->reader);
    link->expected = 0;
}

void kv_redis_link_close(struct redis_link *link)
{
    if (link->state == REDIS_LINK_CLOSED)
        return;
    hang_up(link);
    weft_dialer_free(link->dialer);
    link->dialer = NULL;
    if (link->state == REDIS_LINK_UP)
        kv_redis_count(&link->counts->up, (uint64_t)-1);
    link->state = REDIS_LINK_CLOSED;
    link->failures = 0;
}

void kv_redis_link_move(struct redis_link *link, const char *host, uint16_t port)
{
    if (link->port == port && strcmp(link->host, host) == 0)
        return;
    weft_dialer_free(link->dialer);
    link->dialer = NULL;
    snprintf(link->host, sizeof link->host, "%s", host);
    link->port = port;
    set_name(link);
}

/* The pause doubles with each failure, and half of it is drawn, so that not all loops of all servers come back at one
 * moment. */
static int64_t pause_of(struct redis_link *link)
{
    int64_t pause = PAUSE_FIRST;

    for (unsigned i = 1; i < link->failures && pause < PAUSE_MOST; i++)
        pause *= 2;
    if (pause > PAUSE_MOST)
        pause = PAUSE_MOST;
    return pause / 2 + (int64_t)kv_redis_random(link->random, (uint64_t)pause / 2);
}

static void log_down(const struct redis_link *link, const char *why)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];

    weft_log_write(link->shared->log, WEFT_LOG_WARN, "redis-down", "node=%s for=%s why=%s",
                   link->name, link->purpose, weft_log_quote(weft_view_str(why), quoted));
}

void kv_redis_link_break(struct redis_link *link, const char *why)
{
    /* One line when it goes, and one for the first failure of those that never were there. */
    if (link->was_up || link->failures == 0)
        log_down(link, why);
    kv_redis_note_trouble(link->shared, link->name, why);
    link->was_up = false;
    if (link->state == REDIS_LINK_UP)
        kv_redis_count(&link->counts->up, (uint64_t)-1);
    kv_redis_count(&link->counts->breaks, 1);
    link->failures++;
    hang_up(link);
    link->state = REDIS_LINK_PAUSING;
    weft_loop_after(link->loop, &link->timer, pause_of(link));
    link->events->down(link);
}

static void break_by_error(struct redis_link *link, int err)
{
    const struct weft_stream *stream = link->stream;
    const char *trouble = stream && stream->ops->trouble ? stream->ops->trouble(stream) : NULL;
    char why[256];

    snprintf(why, sizeof why, "%s", trouble ? trouble : weft_strerror(err));
    kv_redis_link_break(link, why);
}

void kv_redis_link_open(struct redis_link *link)
{
    if (link->state != REDIS_LINK_CLOSED)
        return;
    link->state = REDIS_LINK_PAUSING;
    weft_loop_after(link->loop, &link->timer, 0);
}

static void on_ready(struct weft_stream *stream, unsigned events);

/* Returns 0, or an error with one line in *error. */
static int connect_stream(struct redis_link *link, struct weft_error *error)
{
    char url[REDIS_URL_MAX];
    int err = 0;

    if (!link->dialer) {
        kv_redis_url(link->shared, link->host, link->port, url, sizeof url);
        err = weft_dialer_new(&link->dialer, link->shared->registry, url, error);
        if (err < 0)
            return err;
    }
    link->stream = weft_calloc(1, weft_dialer_stream_size(link->dialer));
    if (!link->stream)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    link->stream->on_ready = on_ready;
    link->stream->owner = link;
    err = weft_dialer_connect(link->dialer, link->stream, link->loop, link->pool, error);
    if (err < 0) {
        weft_free(link->stream);
        link->stream = NULL;
    }
    return err;
}

static void begin(struct redis_link *link)
{
    struct weft_error error;
    int err = connect_stream(link, &error);

    if (err < 0) {
        kv_redis_link_break(link, error.text);
        return;
    }
    link->state = REDIS_LINK_CONNECTING;
    link->given = link->taken = 0;
    link->stream->ops->want(link->stream, WEFT_WRITABLE);
    /* To resolve a name may have taken long. */
    weft_loop_refresh(link->loop);
    weft_loop_after(link->loop, &link->timer, link->shared->connect_timeout);
}

/* Adds the commands of the greeting. The last one is always there: only its reply shows that the node is not frozen,
 * and does not load its data any more. */
static int greet(struct redis_link *link)
{
    const struct redis_shared *shared = link->shared;
    struct weft_view words[GREETING_MAX];
    size_t count = 0;
    char database[16];
    int err = 0;

    if (shared->password) {
        words[count++] = weft_view_str("AUTH");
        if (shared->user)
            words[count++] = weft_view_str(shared->user);
        words[count++] = weft_view_str(shared->password);
        err = kv_redis_link_send(link, words, count, 1);
    }
    if (err == 0 && shared->database > 0) {
        snprintf(database, sizeof database, "%u", shared->database);
        words[0] = weft_view_str("SELECT");
        words[1] = weft_view_str(database);
        err = kv_redis_link_send(link, words, 2, 1);
    }
    if (err == 0 && link->has_waits && shared->ack == REDIS_ACK_FSYNC) {
        words[0] = weft_view_str("WAITAOF");
        words[1] = weft_view_str("1");
        words[2] = weft_view_str("0");
        words[3] = weft_view_str("1");
        err = kv_redis_link_send(link, words, 4, 1);
    }
    words[0] = weft_view_str("PING");
    if (err == 0)
        err = kv_redis_link_send(link, words, 1, 1);
    link->greetings = (unsigned)link->expected;
    return err;
}

static void come_up(struct redis_link *link)
{
    link->state = REDIS_LINK_UP;
    if (!link->was_up)
        weft_log_write(link->shared->log, WEFT_LOG_INFO, "redis-up", "node=%s for=%s", link->name,
                       link->purpose);
    link->was_up = true;
    link->failures = 0;
    kv_redis_count(&link->counts->connects, 1);
    kv_redis_count(&link->counts->up, 1);
    weft_loop_after(link->loop, &link->timer, link->silence);
    link->events->up(link);
    kv_redis_link_wake(link);
}

static void take_reply(struct redis_link *link, redisReply *reply)
{
    char why[256];

    if (link->expected > 0)
        link->expected--;
    if (link->state == REDIS_LINK_UP) {
        link->events->answer(link, reply);
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        snprintf(why, sizeof why, "it answered: %s", reply->str);
        kv_redis_link_break(link, why);
        return;
    }
    if (--link->greetings == 0)
        come_up(link);
}

static void take_replies(struct redis_link *link)
{
    while (link->state == REDIS_LINK_GREETING || link->state == REDIS_LINK_UP) {
        redisReply *reply;
        int got = kv_redis_reader_next(&link->reader, &reply);
        if (got == 0)
            return;
        if (got < 0) {
            kv_redis_link_break(link, got == -EPROTO ? "it does not speak the protocol of Redis"
                                                     : weft_strerror(got));
            return;
        }
        take_reply(link, reply);
    }
}

/* Ends a connect that has succeeded. */
static void connected(struct redis_link *link)
{
    link->state = REDIS_LINK_GREETING;
    if (greet(link) < 0)
        break_by_error(link, -ENOMEM);
}

static void read_input(struct redis_link *link, int reads)
{
    uint8_t scratch[READ_SIZE];

    while (link->stream && reads-- > 0) {
        ssize_t n = link->stream->ops->read(link->stream, scratch, sizeof scratch);
        if (n < 0 && n != -EAGAIN && n != WEFT_EOVER) {
            break_by_error(link, (int)n);
            return;
        }
        if (n == 0 || n == WEFT_EOVER) {
            kv_redis_link_break(link, "it closed the connection");
            return;
        }
        if (link->state == REDIS_LINK_CONNECTING)
            connected(link);
        if (n == -EAGAIN || !link->stream)
            return;
        link->heard = weft_loop_now(link->loop);
        kv_redis_count(&link->counts->bytes_in, (uint64_t)n);
        int err = kv_redis_reader_feed(&link->reader, weft_view(scratch, (size_t)n));
        if (err < 0) {
            kv_redis_link_break(link, weft_strerror(err));
            return;
        }
        take_replies(link);
        if ((size_t)n < sizeof scratch)
            return;
    }
}

/* Sends what there is. Returns false if the connection broke, or if bytes are left. */
static bool write_output(struct redis_link *link)
{
    while (link->out.bytes > 0) {
        struct iovec vec[WEFT_IOV_MAX];
        int count = weft_chain_peek(&link->out, vec, WEFT_IOV_MAX);
        ssize_t n = link->stream->ops->writev(link->stream, vec, count);
        if (n == -EAGAIN)
            return false;
        if (n < 0) {
            /* There may be answers in what came before it broke. */
            read_input(link, READS_AT_END);
            if (link->stream)
                break_by_error(link, (int)n);
            return false;
        }
        weft_chain_consume(&link->out, (size_t)n);
        link->taken += (uint64_t)n;
        kv_redis_count(&link->counts->bytes_out, (uint64_t)n);
    }
    return true;
}

static void pump(struct redis_link *link)
{
    bool all = link->stream != NULL;

    for (int i = 0; all; i++) {
        if (i == FILLS) {
            kv_redis_link_wake(link);
            break;
        }
        if (link->state == REDIS_LINK_UP)
            link->events->fill(link);
        if (!link->stream || link->out.bytes == 0)
            break;
        all = write_output(link);
    }
    if (link->stream)
        link->stream->ops->want(link->stream,
                                WEFT_READABLE | (link->out.bytes > 0 ? WEFT_WRITABLE : 0));
}

static void on_ready(struct weft_stream *stream, unsigned events)
{
    struct redis_link *link = stream->owner;

    if ((events & WEFT_READABLE) || link->state == REDIS_LINK_CONNECTING)
        read_input(link, READS);
    if (link->stream && link->state != REDIS_LINK_CONNECTING)
        pump(link);
}

static void on_flush(struct weft_deferred *deferred)
{
    pump(weft_container_of(deferred, struct redis_link, flush));
}

/* Judges the silence of a node that owes answers. */
static void judge(struct redis_link *link)
{
    const int64_t silence = link->silence;
    int64_t left = link->heard + silence - weft_loop_now(link->loop);

    if (link->expected == 0)
        left = silence;
    if (left > 0)
        weft_loop_after(link->loop, &link->timer, left);
    else
        kv_redis_link_break(link, "it owes answers and is silent");
}

/* Looks at the stream before it says that time is up: this process may have been stopped itself. */
static void on_timer(struct weft_timer *timer)
{
    struct redis_link *link = weft_container_of(timer, struct redis_link, timer);

    if (link->state == REDIS_LINK_PAUSING) {
        begin(link);
        return;
    }
    if (link->state != REDIS_LINK_CONNECTING)
        read_input(link, READS_AT_END);
    if (link->stream && link->state != REDIS_LINK_CONNECTING)
        pump(link);
    if (!link->stream)
        return;
    if (link->state == REDIS_LINK_UP)
        judge(link);
    else
        kv_redis_link_break(link, "it does not answer");
}
