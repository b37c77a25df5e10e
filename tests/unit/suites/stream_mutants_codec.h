/* SPDX-License-Identifier: MIT
 *
 * The codec of stream_mutants, and the mistakes that it can make. */
#ifndef TEST_STREAM_MUTANTS_CODEC_H
#define TEST_STREAM_MUTANTS_CODEC_H

#include "stream_mutants.h"

enum { WIDE = 1 << 30, STALLED = 20000, TARGET = 6 };

enum mutant {
    NONE,
    NUMBER_IS_ZERO,
    NUMBERS_ARE_ALIKE,
    NUMBER_OF_A_RESET_STREAM_COMES_AGAIN,
    END_WITH_EACH_MESSAGE,
    END_IS_FORGOTTEN,
    END_OVERTAKES_THE_BACKLOG,
    LAST_MESSAGE_IS_LOST,
    EMPTY_ANSWER_HAS_A_MESSAGE,
    ANSWERS_WAIT_FOR_THE_OLDEST,
    REJECTION_IS_NO_END,
    REJECTION_IS_A_MESSAGE,
    TOO_BIG_ENDS_THE_ANSWER,
    TOO_BIG_WRITES,
    NO_LIMIT_IN_ENCODE,
    ENCODE_CHANGES_THE_PAYLOAD,
    ENCODE_CHANGES_THE_TARGET,
    RESET_IS_NOT_TOLD,
    RESET_IS_TOLD_OF_ANOTHER,
    RESET_OF_HALF_A_REQUEST_ENDS_THE_CONNECTION,
    RESET_BEHIND_THE_END_KEEPS_THE_BACKLOG,
    RESET_KEEPS_THE_BACKLOG,
    RESET_DROPS_ALL_BACKLOGS,
    ENCODE_FOR_A_RESET_STREAM_FAILS,
    ENCODE_FOR_A_RESET_STREAM_WRITES,
    ENCODE_FOR_A_RESET_STREAM_QUEUES,
    BACKLOG_IS_NOT_COUNTED,
    BACKLOG_OF_ALL_FOR_EACH,
    BACKLOG_OF_ONE_FOR_ALL,
    BACKLOG_IS_NEVER_LESS,
    BACKLOG_STOPS_THE_DECODING,
    BACKLOG_IN_ANY_ORDER,
    WINDOWS_ARE_IGNORED,
    WINDOWS_ARE_NOT_USED_LATER,
    WINDOW_OF_ONE_IS_ALL_OTHERS,
    GOODBYE_REFUSES_REQUESTS,
    GOODBYE_ASKS_FOR_EVER,
    LAST_WORDS_ARE_FORGOTTEN,
    NO_WORDS_FOR_WHO_IS_TURNED_AWAY,
    FINISH_IS_SET,
    STREAMS_IN_LOOP_STATE,
    BACKLOG_IN_LOOP_STATE,
    LEAKS_A_RESET_STREAM,
    LEAKS_WHAT_IS_CUT_OFF,
    MESSAGE_IS_LOST_WITHOUT_MEMORY,
    FAILED_ENCODE_LEAVES_BYTES,
    CUT_FRAME_IS_LOST,
    RESET_IS_LOST_AT_THE_END_OF_A_VIEW,
    HEAD_WITHOUT_MANY,
    HEAD_HAS_A_PAYLOAD,
    MORE_COMES_THAN_IS_ASKED,
    WANT_NEEDS_A_BYTE,
    END_IS_NOT_SAID,
    END_IS_SAID_UNASKED,
    EMPTY_PART_IS_LOST,
    PART_BEHIND_THE_ANSWER,
    PART_BEHIND_A_RESET,
    UNASKED_REQUEST_NEVER_COMES,
    UNASKED_REQUEST_COMES_IN_PARTS,
    CREDIT_AT_ONCE,
    CREDIT_NEVER,
    MUTANTS
};

extern enum mutant stream_mutant;

struct item {
    struct item *next;
    size_t size;
    uint8_t bytes[];
};

struct list {
    struct item *first, *last;
};

struct stream {
    struct stream *next;
    uint32_t id;
    bool given, many, wanted, ended, reset, over;
    size_t window, waits;
    struct list request, reply;
    struct item *shown; /* what the last decode gave */
};

struct connection {
    struct stream *streams;
    struct stream *offered; /* whose head the last decode gave */
    size_t waits, most;     /* most: that ever waited */
    uint64_t limit;
    uint32_t last_reset;
    bool shut, asked, drains, no_memory;
    char target[TARGET];
    struct weft_message_head head;
};

struct loop {
    struct connection shared;
    size_t waits;
};

struct connection *mutant_connection(const struct weft_codec_state *state);

struct item *mutant_put(struct list *list, const void *data, size_t size); /* NULL: no memory */
struct item *mutant_get(struct list *list);                                /* NULL: it is empty */
struct stream *mutant_find(const struct connection *conn, uint32_t id);
void mutant_drop_reply(struct connection *conn, struct stream *stream);
void mutant_forget(struct connection *conn, struct stream *stream);

/* These return 0 or -ENOMEM. */
int mutant_write_frame(struct weft_chain *out, enum frame_type type, uint32_t stream,
                       struct weft_view bytes);
/* Sends what may leave of an answer. */
int mutant_send(struct connection *conn, struct stream *stream, struct weft_chain *out);

/* Slots. */
int mutant_encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io);
size_t mutant_backlog(const struct weft_codec_state *state, uint32_t id);
void mutant_goodbye(const struct weft_codec_state *state, bool final, struct weft_chain *out);

#endif
