/* SPDX-License-Identifier: MIT
 *
 * Builds a reply from parts, for the commands that answer with lists or lines. It is built twice: the first time only
 * to find out its size. */
#ifndef KV_RESP_TEXT_H
#define KV_RESP_TEXT_H

#include "task.h"

struct resp_text {
    bool is_3;    /* the connection speaks RESP3 */
    uint8_t *dst; /* where the reply is written; NULL: it is only measured */
    size_t size;  /* bytes so far */
};

/* Each adds one part. An array, map or set with `count` elements is followed by that many further parts; for a map they
 * are `count` pairs. */
void resp_text_array(struct resp_text *text, size_t count);
/* In RESP2 a map is an array with twice as many elements. */
void resp_text_map(struct resp_text *text, size_t count);
/* A set is an array in RESP2. */
void resp_text_set(struct resp_text *text, size_t count);
void resp_text_bulk(struct resp_text *text, const char *string);
void resp_text_bulk_view(struct resp_text *text, struct weft_view view);
void resp_text_status(struct resp_text *text, const char *string);
void resp_text_nil(struct resp_text *text);
void resp_text_integer(struct resp_text *text, int64_t number);

/* Builds the reply with `put`, which is called twice and must add the same parts both times, and answers the task.
 * Returns false. Called from begin only. */
bool resp_text_answer(struct resp_task *task,
                      void (*put)(struct resp_text *text, struct resp_task *task));

#endif
