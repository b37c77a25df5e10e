/* SPDX-License-Identifier: MIT
 *
 * Replies of the RESP face. task.h includes this file.
 */
#ifndef KV_RESP_REPLY_H
#define KV_RESP_REPLY_H

#include "task.h"

/* Each sets the task's reply and returns false. A step that returns this false ends the task with the reply; begin has
 * to call resp_answer. A text must be static or lie in task->line. The text of an error begins with its prefix, as in
 * "ERR syntax error". */
bool resp_status(struct resp_task *task, const char *text);
bool resp_error(struct resp_task *task, const char *text);
bool resp_integer(struct resp_task *task, int64_t number);
bool resp_bulk(struct resp_task *task, struct weft_view bytes);
bool resp_nil(struct resp_task *task);
bool resp_raw(struct resp_task *task, struct weft_view bytes);
/* Sets an error reply whose text is formatted, as by printf, into task->line. */
bool resp_error_format(struct resp_task *task, const char *format, ...) WEFT_PRINTF(2, 3);

/* The two arguments for a "%.*s" in such a format. They show at most 128 bytes of a view, as Redis does. */
#define RESP_SHOWN(view)                                                                           \
    (int)((view).size < 128 ? (view).size : 128), (view).data ? (const char *)(view).data : ""

/* These set the errors that several commands have, and return false. */
bool resp_wrong_type(struct resp_task *task);
bool resp_syntax_error(struct resp_task *task);
bool resp_wrong_arity(struct resp_task *task, const char *command);
bool resp_no_memory(struct resp_task *task);

/* Answers the task with the reply that is set, and returns false. Called from begin only. */
bool resp_answer(struct resp_task *task);

/* The slots of struct kv_face (face.h), and the slot `reject` of the service. */
const struct weft_body *resp_reply(struct kv_task *base, const struct kv_reply *reply);
size_t resp_pair_size(const struct kv_task *base, const struct kv_pair *pair);
void resp_put_pair(const struct kv_task *base, uint8_t *dst, const struct kv_pair *pair);
size_t resp_put_text(uint8_t *dst, enum kv_status status, const char *text);
size_t resp_reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst);

#endif
