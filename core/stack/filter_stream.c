/* SPDX-License-Identifier: MIT
 *
 * below.read -> filter.open -> the owner's read          the owner's writev -> filter.seal -> down -> below.writev
 *
 * The end of a filter's input, or an error that it found, is reported only when what the filter had to say has
 * left: an answer of HTTP, a close frame. */
#include "filter_stream.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/peer.h"

enum {
    READ_SIZE = 16 * 1024, /* of one read below */
    READS = 16,            /* below, in one read of the owner's, before others have their turn */
    DOWN_HIGH = 64 * 1024, /* with so much in down, nothing more is taken from the owner */
    ALIGNMENT = _Alignof(max_align_t),
};

static size_t align(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t weft__filter_stream_size(const struct weft_filter *filter, size_t below)
{
    return align(sizeof(struct weft__filter_stream)) + align(filter->state_size) + align(below);
}

static char *behind(struct weft_stream *stream)
{
    return (char *)stream + align(sizeof(struct weft__filter_stream));
}

struct weft_stream *weft__filter_stream_below(const struct weft_filter *filter,
                                              struct weft_stream *stream)
{
    return (struct weft_stream *)(void *)(behind(stream) + align(filter->state_size));
}

static struct weft__filter_stream *from_stream(struct weft_stream *stream)
{
    return weft_container_of(stream, struct weft__filter_stream, stream);
}

/* Sends what is in down, as far as below takes it. An error of below ends everything. */
static void flush(struct weft__filter_stream *fs)
{
    while (fs->down.bytes > 0) {
        struct iovec vec[WEFT_IOV_MAX];
        int count = weft_chain_peek(&fs->down, vec, WEFT_IOV_MAX);
        size_t offered = 0;
        ssize_t n = fs->below->ops->writev(fs->below, vec, count);

        if (n == -EAGAIN)
            return;
        if (n < 0) {
            fs->error = (int)n;
            fs->ended = true;
            weft_chain_fini(&fs->down);
            return;
        }
        for (int i = 0; i < count; i++)
            offered += vec[i].iov_len;
        weft_chain_consume(&fs->down, (size_t)n);
        fs->sent += (size_t)n;
        if ((size_t)n < offered)
            return;
    }
    if (fs->finished && !fs->shut) {
        fs->shut = true;
        (void)fs->below->ops->shutdown(fs->below);
    }
}

/* True if the filter can be asked without more input. */
static bool has_inside(const struct weft__filter_stream *fs)
{
    return !fs->ended && (fs->more || weft_buf_size(&fs->left) > 0);
}

/* True if the stream is whole, though its input is at an end. */
static bool is_soft(int error)
{
    return error == 0 || error == -EPROTO || error == WEFT_EOVER || error == WEFT_ETRUNCATED;
}

/* Sets what is wanted below. A handshake wants bytes whatever the owner wants. */
static void set_interest(struct weft__filter_stream *fs)
{
    unsigned interest = fs->down.bytes > 0 ? WEFT_WRITABLE : 0;

    if (!fs->is_open && !fs->ended)
        interest |= WEFT_READABLE | (fs->asked ? 0 : WEFT_WRITABLE);
    else
        interest |= fs->wanted;
    /* The bytes that are here come first. */
    if ((fs->is_open && has_inside(fs)) || (fs->ended && !fs->told))
        interest &= ~(unsigned)WEFT_READABLE;
    fs->below->ops->want(fs->below, interest);
    if ((fs->wanted & WEFT_READABLE) &&
        ((fs->is_open && has_inside(fs)) || (fs->ended && !fs->told && fs->down.bytes == 0)))
        weft_loop_defer(fs->loop, &fs->again);
    else
        weft_deferred_cancel(&fs->again);
}

/* Keeps what the filter has left of a view that does not lie in fs->left. */
static int keep(struct weft__filter_stream *fs, struct weft_view rest)
{
    if (rest.size == 0)
        return 0;
    return weft_buf_append(&fs->left, rest);
}

static void end(struct weft__filter_stream *fs, ssize_t result)
{
    fs->ended = true;
    fs->error = (int)result;
    weft_buf_fini(&fs->left);
}

/* Shows the filter what was left, and then in. Returns the message bytes in dst, or -EAGAIN; what ended the
 * stream is in *fs. */
static ssize_t open_on(struct weft__filter_stream *fs, struct weft_view in, uint8_t *dst,
                       size_t size)
{
    struct weft_filter_io io = {.in = in, .down = &fs->down, .open = fs->is_open};
    bool kept = weft_buf_size(&fs->left) > 0;

    if (kept && in.size > 0 && weft_buf_append(&fs->left, in) < 0) {
        end(fs, -ENOMEM);
        return -EAGAIN;
    }
    if (kept)
        io.in = weft_buf_view(&fs->left);
    size_t had = io.in.size;
    io.eof = fs->below_ended;
    fs->asked = true;
    ssize_t n = fs->filter->open(fs->state, dst, size, &io);
    if (!fs->is_open) /* a handshake takes long: a storm of them has to look like a long turn */
        weft_loop_refresh(fs->loop);
    fs->is_open = io.open;
    fs->more = io.more;
    if (n <= 0 && n != -EAGAIN) {
        end(fs, n);
        return -EAGAIN;
    }
    if (kept) {
        weft_buf_consume(&fs->left, had - io.in.size);
        if (io.in.size == 0)
            weft_buf_fini(&fs->left);
    } else if (keep(fs, io.in) < 0) {
        end(fs, -ENOMEM);
        return -EAGAIN;
    }
    return n;
}

/* Reads below once. Returns the count, or 0 if nothing is there or below has ended. */
static size_t read_below(struct weft__filter_stream *fs, uint8_t *scratch, bool *dry)
{
    ssize_t n = fs->below_ended ? 0 : fs->below->ops->read(fs->below, scratch, READ_SIZE);

    *dry = n < READ_SIZE;
    if (n == 0)
        fs->below_ended = true;
    else if (n < 0 && n != -EAGAIN)
        end(fs, n);
    return n > 0 ? (size_t)n : 0;
}

/* Reads below and opens, until there is a message byte, nothing more is there, or it has ended. */
static ssize_t pull(struct weft__filter_stream *fs, uint8_t *dst, size_t size)
{
    uint8_t scratch[READ_SIZE];
    size_t have = 0;
    bool dry = false;

    if (has_inside(fs) && size > 0) {
        ssize_t n = open_on(fs, weft_view(NULL, 0), dst, size);
        have = n > 0 ? (size_t)n : 0;
    }
    for (int reads = 0; reads < READS && !dry && !fs->ended && (have < size || size == 0);
         reads++) {
        size_t got = read_below(fs, scratch, &dry);
        if (fs->ended || (got == 0 && !fs->below_ended && fs->asked))
            break;
        ssize_t n = open_on(fs, weft_view(scratch, got), dst ? dst + have : NULL, size - have);
        have += n > 0 ? (size_t)n : 0;
        if (size == 0 && fs->is_open)
            break;
    }
    return have > 0 ? (ssize_t)have : -EAGAIN;
}

/* Drops what still comes behind an end, so that it does not become a reset. Returns what read answers. */
static ssize_t drop(struct weft__filter_stream *fs)
{
    uint8_t scratch[READ_SIZE];
    bool dry = false;

    if (!is_soft(fs->error))
        return fs->error;
    for (int reads = 0; reads < READS && !dry && !fs->below_ended; reads++) {
        ssize_t n = fs->below->ops->read(fs->below, scratch, READ_SIZE);
        dry = n < READ_SIZE;
        fs->below_ended = n == 0 || (n < 0 && n != -EAGAIN);
    }
    return fs->below_ended ? 0 : -EAGAIN;
}

static ssize_t fs_read(struct weft_stream *stream, uint8_t *dst, size_t size)
{
    struct weft__filter_stream *fs = from_stream(stream);
    ssize_t n = -EAGAIN;

    if (fs->told)
        return drop(fs);
    if (!fs->ended)
        n = pull(fs, dst, size);
    flush(fs);
    if (n < 0 && fs->ended && fs->down.bytes == 0) {
        fs->told = true;
        n = fs->error;
    }
    set_interest(fs);
    return n;
}

static int seal(struct weft__filter_stream *fs, const uint8_t *data, size_t size)
{
    struct weft_filter_io io = {.down = &fs->down, .open = true};

    return fs->filter->seal(fs->state, weft_view(data, size), &io);
}

/* Copies bytes of the vectors, from *at in the first one on, to dst. Returns the count, which is size unless
 * there are fewer. */
static size_t gather(const struct iovec **vec, int *count, size_t *at, uint8_t *dst, size_t size)
{
    size_t have = 0;

    while (*count > 0 && have < size) {
        size_t n = (*vec)->iov_len - *at;
        if (n > size - have)
            n = size - have;
        if (n > 0)
            memcpy(dst + have, (const uint8_t *)(*vec)->iov_base + *at, n);
        have += n;
        *at += n;
        if (*at == (*vec)->iov_len) {
            (*vec)++;
            (*count)--;
            *at = 0;
        }
    }
    return have;
}

static ssize_t fs_writev(struct weft_stream *stream, const struct iovec *vec, int count)
{
    struct weft__filter_stream *fs = from_stream(stream);
    uint8_t record[WEFT_SEAL_MAX];
    ssize_t taken = 0;
    size_t at = 0;
    int err = 0;

    if (fs->ended && !is_soft(fs->error))
        return fs->error;
    if (fs->finished)
        return -EPIPE;
    if (fs->down.bytes >= DOWN_HIGH)
        flush(fs);
    while (fs->is_open && err == 0 && fs->down.bytes < DOWN_HIGH) {
        const uint8_t *data = record;
        size_t n = count > 0 ? vec->iov_len - at : 0;
        if (count > 0 && (n >= WEFT_SEAL_MAX || count == 1)) { /* no need to copy it */
            data = (const uint8_t *)vec->iov_base + at;
            n = n < WEFT_SEAL_MAX ? n : WEFT_SEAL_MAX;
            at += n;
            if (at == vec->iov_len) {
                vec++;
                count--;
                at = 0;
            }
        } else {
            n = gather(&vec, &count, &at, record, sizeof record);
        }
        if (n == 0)
            break;
        err = seal(fs, data, n);
        taken += err == 0 ? (ssize_t)n : 0;
    }
    flush(fs);
    set_interest(fs);
    return taken > 0 ? taken : err < 0 ? err : -EAGAIN;
}

/* Bytes that the stream below holds have not left either. If it is one over a filter as well, it overwrites *sent,
 * because only the lowest one knows what has left. */
static size_t fs_unsent(struct weft_stream *stream, size_t *sent)
{
    struct weft__filter_stream *fs = from_stream(stream);
    struct weft_stream *below = fs->below;

    *sent = fs->sent;
    fs->sent = 0;
    return fs->down.bytes + (below->ops->unsent ? below->ops->unsent(below, sent) : 0);
}

static void fs_want(struct weft_stream *stream, unsigned interest)
{
    struct weft__filter_stream *fs = from_stream(stream);

    fs->wanted = (uint8_t)interest;
    set_interest(fs);
}

static int fs_shutdown(struct weft_stream *stream)
{
    struct weft__filter_stream *fs = from_stream(stream);
    struct weft_filter_io io = {.down = &fs->down};
    int err = fs->filter->finish ? fs->filter->finish(fs->state, &io) : 0;

    fs->finished = true;
    flush(fs);
    set_interest(fs);
    return err;
}

static void release(struct weft__filter_stream *fs)
{
    weft_deferred_cancel(&fs->again);
    fs->filter->fini(fs->state);
    weft_chain_fini(&fs->down);
    weft_buf_fini(&fs->left);
}

static void fs_close(struct weft_stream *stream)
{
    struct weft__filter_stream *fs = from_stream(stream);

    release(fs);
    fs->below->ops->close(fs->below);
}

static void fs_reset(struct weft_stream *stream)
{
    struct weft__filter_stream *fs = from_stream(stream);

    release(fs);
    weft_stream_reset(fs->below);
}

static void fs_identify(struct weft_stream *stream, struct weft_peer *peer)
{
    struct weft__filter_stream *fs = from_stream(stream);

    if (fs->below->ops->identify)
        fs->below->ops->identify(fs->below, peer);
    if (fs->filter->identify)
        fs->filter->identify(fs->state, peer);
}

static const char *fs_protocol(struct weft_stream *stream)
{
    struct weft__filter_stream *fs = from_stream(stream);

    if (fs->filter->protocol)
        return fs->filter->protocol(fs->state);
    return fs->below->ops->protocol ? fs->below->ops->protocol(fs->below) : NULL;
}

static const char *fs_trouble(const struct weft_stream *stream)
{
    const struct weft__filter_stream *fs = (const struct weft__filter_stream *)(const void *)stream;

    const char *own = NULL;

    if ((fs->error == -EPROTO || fs->error == WEFT_ETRUNCATED) && fs->filter->trouble)
        own = fs->filter->trouble(fs->state);
    if (own)
        return own;
    /* The error may have come from below. */
    return fs->below->ops->trouble ? fs->below->ops->trouble(fs->below) : NULL;
}

static const struct weft_stream_ops filter_ops = {
    .read = fs_read,
    .writev = fs_writev,
    .unsent = fs_unsent,
    .want = fs_want,
    .shutdown = fs_shutdown,
    .close = fs_close,
    .reset = fs_reset,
    .identify = fs_identify,
    .protocol = fs_protocol,
    .trouble = fs_trouble,
};

/* Tells the owner, which may close the stream. */
static void tell(struct weft__filter_stream *fs, unsigned events)
{
    events &= fs->wanted;
    if (events)
        fs->stream.on_ready(&fs->stream, events);
}

static void on_again(struct weft_deferred *deferred)
{
    struct weft__filter_stream *fs = weft_container_of(deferred, struct weft__filter_stream, again);

    /* An owner that does not read now, since it has had its share of the turn, is told again in the next one. */
    set_interest(fs);
    tell(fs, WEFT_READABLE | (fs->down.bytes < DOWN_HIGH ? WEFT_WRITABLE : 0));
}

/* Goes on with the handshake. */
static void shake(struct weft__filter_stream *fs)
{
    (void)pull(fs, NULL, 0);
    flush(fs);
    set_interest(fs);
    if (fs->is_open || (fs->ended && fs->down.bytes == 0))
        tell(fs, WEFT_READABLE | WEFT_WRITABLE);
}

static void on_below(struct weft_stream *below, unsigned events)
{
    struct weft__filter_stream *fs = below->owner;

    if (events & WEFT_WRITABLE)
        flush(fs);
    if (!fs->is_open && !fs->ended) {
        shake(fs);
        return;
    }
    set_interest(fs);
    if (fs->down.bytes >= DOWN_HIGH)
        events &= ~(unsigned)WEFT_WRITABLE;
    if (fs->ended && !fs->told)
        events = fs->down.bytes == 0 ? WEFT_READABLE | WEFT_WRITABLE : events & WEFT_WRITABLE;
    tell(fs, events);
}

int weft__filter_stream_init(struct weft_stream *stream, const struct weft_filter *filter,
                             const void *config, enum weft_role role, struct weft_loop *loop,
                             struct weft_piece_pool *pool)
{
    struct weft__filter_stream *fs = from_stream(stream);

    fs->filter = filter;
    fs->state = behind(stream);
    fs->below = weft__filter_stream_below(filter, stream);
    fs->loop = loop;
    fs->again.run = on_again;
    int err = filter->init(fs->state, config, role);
    if (err < 0)
        return err;
    weft_chain_init(&fs->down, pool);
    stream->ops = &filter_ops;
    fs->below->owner = fs;
    fs->below->on_ready = on_below;
    fs->asked = role == WEFT_SERVER; /* a server waits for the first byte */
    set_interest(fs);
    return 0;
}

bool weft__filter_stream_is_open(const struct weft_stream *stream)
{
    return ((const struct weft__filter_stream *)(const void *)stream)->is_open;
}
