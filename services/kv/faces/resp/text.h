/* SPDX-License-Identifier: MIT
 *
 * A reply that is put together of parts, for the commands that answer in lines or lists. It is written twice:
 * the first time only its size is found out. */
#ifndef KV_RESP_TEXT_H
#define KV_RESP_TEXT_H

#include "task.h"

struct resp_text {
    bool is_3;
    uint8_t *dst; /* NULL: only size counts */
    size_t size;
};

void resp_text_array(struct resp_text *text, size_t count);
/* In RESP2 the pairs of a map are an array of twice as many. */
void resp_text_map(struct resp_text *text, size_t count);
/* A set is an array in RESP2. */
void resp_text_set(struct resp_text *text, size_t count);
void resp_text_bulk(struct resp_text *text, const char *string);
void resp_text_status(struct resp_text *text, const char *string);
void resp_text_nil(struct resp_text *text);
void resp_text_integer(struct resp_text *text, int64_t number);

/* Writes the reply with `put`, which is called twice, to memory of the task's, and answers the task. Returns
 * false. From begin only. */
bool resp_text_answer(struct resp_task *task,
                      void (*put)(struct resp_text *text, struct resp_task *task));

#endif
