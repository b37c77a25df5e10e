/* SPDX-License-Identifier: MIT
 *
 * Drives a codec as the core does, but meaner. Every view it hands to decode ends where memory ends: at
 * the end of a heap block under AddressSanitizer, before an untouchable page elsewhere. Every rule of
 * core/codec.h that can be checked from outside is checked. What comes out is kept and can be compared.
 * Its own memory comes from the C library, never from weft_malloc, so that failing allocations are the
 * codec's. */
#ifndef TEST_FEED_H
#define TEST_FEED_H

#include "core/codec.h"
#include "guarded.h"

/* A codec with one configuration and one loop's state, as a server has it. */
struct feed_codec {
    const struct weft_codec *codec;
    void *config, *loop;
    struct weft_frame_cache
        *frames;        /* for feed_encode; NULL after init, whoever sets it frees it */
    uint32_t config_id; /* 1 after init */
};

/* Splits "a=1&b=2" in place into at most `room` options. Returns how many there are. */
size_t feed_parse_query(char *text, struct weft_option_value *values, size_t room);

/* query is what would stand behind the '?' of a URL ("threshold=0&level=1"), or "". What configure
 * or loop_init answered; on failure nothing is held. */
int feed_codec_init(struct feed_codec *fc, const struct weft_codec *codec, const char *query,
                    const struct weft_limits *limits, struct weft_error *error);
/* After the fini of every feed on it. A zeroed one is fine. */
void feed_codec_fini(struct feed_codec *fc);

/* A message that came, its payload a copy. */
struct feed_message {
    enum weft_message_kind kind; /* DATA, HEAD, PART or END */
    enum weft_message_status status;
    uint8_t *payload;
    size_t size;
    uint64_t announced, limit;
    const char *why;
    uint32_t stream;
    uint64_t deadline;
    char *target, *metadata, *credentials; /* copies */
};

/* One connection. */
struct feed {
    const struct weft_codec *codec;
    struct weft_codec_state state;
    int64_t now;     /* what state.now shows */
    uint8_t *unread; /* what came and was not consumed */
    size_t unread_size;
    bool eof;
    bool unknown; /* what decode is told of its peer; false after init */
    /* Requests have many messages: each HEAD is answered with `want`, and so is each PART, unless `lazy`. False after init; a
     * test sets state.many, too. */
    bool many, lazy;
    struct feed_message *messages;
    size_t count;
    size_t resets;       /* messages that reset a stream, which are not in messages */
    uint32_t last_reset; /* the stream of the last one */
    /* NULL, or called with each message that decode gives: its views are valid, and nothing was asked for yet. It may encode.
     * `data` is the test's. */
    void (*on_message)(struct feed *feed, const struct weft_message *msg);
    void *data;
    uint64_t consumed;
    size_t need;   /* of the last call that took nothing */
    size_t idle;   /* messages in a row that took no byte */
    bool inside;   /* of the last call */
    ssize_t ended; /* the first result below 0, or 0; decode is not called any more */
    const char *detail;
    struct weft_chain out;   /* what the codec itself said */
    const char *broken_rule; /* the first rule of the contract that was broken, or NULL */
    size_t most_held;        /* the most bytes that ever waited in unread */
    struct guarded view;     /* where decode reads, if no sanitizer watches; view_room bytes */
    size_t view_room;
};

void feed_init(struct feed *feed, const struct feed_codec *fc, enum weft_role role);
void feed_fini(struct feed *feed);

/* So many more bytes have arrived: decodes until the codec wants more. */
void feed_bytes(struct feed *feed, struct weft_view bytes);
/* Calls want, and decodes what it brings. */
void feed_want(struct feed *feed, uint32_t stream);
/* No more will come. */
void feed_eof(struct feed *feed);
/* All of bytes, in pieces of `piece` bytes each, then eof. */
void feed_pieces(struct feed *feed, struct weft_view bytes, size_t piece);
/* All of bytes: the first `at`, then the rest, then eof. */
void feed_split(struct feed *feed, struct weft_view bytes, size_t at);

/* The first difference between what two connections saw, or NULL: messages, how they ended, what
 * was consumed and said. */
const char *feed_difference(const struct feed *a, const struct feed *b);

/* One frame, as bytes of the heap (free()); the result of encode. Checks all-or-nothing; the rule
 * that was broken is in *broken_rule, which may be NULL where nobody asks. */
struct feed_frame {
    int result;
    uint8_t *data;
    size_t size;
    uint64_t announced, limit;
    const char *why, *broken_rule;
    bool heavy;
};
struct feed_frame feed_encode(const struct feed_codec *fc, const struct weft_body *body);
/* Behind output whose last piece has `room` bytes left, so that whoever writes more than it reserved
 * leaves the piece. */
struct feed_frame feed_encode_within(const struct feed_codec *fc, const struct weft_body *body,
                                     size_t room);
struct feed_frame feed_encode_view(const struct feed_codec *fc, struct weft_view message);

static inline struct weft_view feed_frame_view(const struct feed_frame *frame)
{
    return weft_view(frame->data, frame->size);
}

/* A copy of all that is in chain (free()). */
uint8_t *feed_chain_copy(const struct weft_chain *chain);

#endif
