/* SPDX-License-Identifier: MIT
 *
 * One connection of a codec of streams, driven as the core does it, and its peer. What the core may rely on is checked
 * with each message that comes. Private to the suite. */
#ifndef TEST_CODEC_SUITE_WORLD_H
#define TEST_CODEC_SUITE_WORLD_H

#include "codec_suite_fixture.h"
#include "core/reject.h"

enum { WORLD_STREAMS = 64 };

struct streams_world {
    const struct weft_codec_suite_peer *is;
    void *peer;
    struct feed feed;
    uint32_t unended[WORLD_STREAMS]; /* streams that have had no last encode */
    size_t unended_count;
    uint32_t resets[WORLD_STREAMS]; /* those that decode has said were reset */
    size_t reset_count;
    bool echoes;  /* each request is answered within its last message */
    bool sinking; /* memory may fail */
};

/* The codec of the suite, with limits of ROOM. */
struct feed_codec streams_codec(const struct weft_codec_suite *suite);
/* shut: as a peer's `make` has it. many: there is a service that takes requests with many messages; they are asked for at
 * once, unless the test sets feed.lazy or clears feed.many. */
struct streams_world *streams_open(const struct weft_codec_suite *suite,
                                   const struct feed_codec *fc, bool shut, bool many);
/* Opens one without a peer, for bytes that there are. */
struct streams_world *streams_open_alone(const struct feed_codec *fc, bool many);
void streams_close(struct streams_world *w);
/* Lets both sides talk until neither has more to say. */
void streams_talk(struct streams_world *w);
/* Hands what the codec has written to the peer. */
void streams_hear(struct streams_world *w);

/* Makes a request with one message, which is not sent yet. */
uint32_t streams_ask(struct streams_world *w, const char *text);
/* Makes one that has been decoded. */
uint32_t streams_asked(struct streams_world *w, const char *text);
/* Encodes; text NULL: no message. Returns what encode does. */
int streams_encode(struct streams_world *w, uint32_t stream, const char *text, bool last,
                   const struct weft_answer *answer);
int streams_encode_view(struct streams_world *w, uint32_t stream, const struct weft_view *message,
                        bool last, const struct weft_answer *answer);
size_t streams_backlog(struct streams_world *w, uint32_t stream);
bool streams_is_unended(const struct streams_world *w, uint32_t stream);
/* Returns how often decode has said that the stream was reset. */
size_t streams_resets(const struct streams_world *w, uint32_t stream);

/* All that has come, such as "HEAD one END" or "DATA:one", apart from resets; of one stream, or of all if stream is 0. */
void assert_streams_came(const struct streams_world *w, uint32_t stream, const char *expected);
/* The peer has heard these messages, separated by commas, and no others; and the end, or not. */
void assert_streams_heard(struct streams_world *w, uint32_t stream, const char *messages,
                          bool ended);

/* Topics. */
int codec_suite__run_streams(const char *name);
int codec_suite__run_streams_hostile(const char *name);
int codec_suite__run_many(const char *name);

#endif
