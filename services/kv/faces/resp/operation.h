/* SPDX-License-Identifier: MIT
 *
 * The operations of the store that the commands of Redis are made of. task.h includes this file.
 */
#ifndef KV_RESP_OPERATION_H
#define KV_RESP_OPERATION_H

#include "task.h"

/* The operations of the store. The results are in the items or in task->base.call. */
enum resp_operation {
    RESP_GET,
    RESP_LOOK, /* finds out which keys are present */
    RESP_PUT,  /* stores item.value */
    RESP_PUT_IN_HASH, /* does so if the store sees that the table has keys; else the status is KV_NOT_MET */
    RESP_UPDATE,     /* applies item.update to each item; the verdict is in the item */
    RESP_UPDATE_ALL, /* applies item.update to all items or to none */
    RESP_DELETE,     /* removes the keys */
    RESP_COUNT,      /* counts the keys of a table, in call.op.total */
    RESP_DROP,       /* removes a table; the number of its keys is in call.op.total */
    RESP_WALK,       /* shows all pairs of a table */
    RESP_NAMES,      /* shows the names of all tables */
    RESP_PAGE,       /* shows some pairs, and returns a cursor */
    RESP_PAGE_NAMES, /* shows some names of tables, and returns a cursor */
    RESP_FIRST_NAME  /* shows the name of one table, if there is any */
};

/* Makes that operation, on `count` items of table, the task's next one. items is NULL for operations without items. */
void resp_operate(struct resp_task *task, enum resp_operation operation, struct weft_view table,
                  struct kv_item *items, size_t count);

/* Sets task->items to `count` zeroed items. Called from begin only. False: there is no memory, and the task has been
 * answered. */
WEFT_MUST_USE bool resp_take_items(struct resp_task *task, size_t count);

/* Makes a check whether the name is a string, or a hash, the next operation. The resp_found function of that kind then
 * returns the result. */
void resp_look_for_string(struct resp_task *task, struct weft_view name);
void resp_look_for_hash(struct resp_task *task, struct weft_view name);
/* True if the last operation succeeded and has found the name. */
bool resp_found_string(const struct resp_task *task);
bool resp_found_hash(const struct resp_task *task);

/* True if the store has KV_STORE_TABLES. Otherwise it is not known whether a name is a hash. */
bool resp_knows_hashes(const struct resp_task *task);

/* Asks the layers of the endpoint whether the command may remove a hash. Commands that do so in addition to what the
 * layers were asked about call this. False: it may not, and an error reply is set. */
bool resp_may_drop(struct resp_task *task, struct weft_view table);

/* True if the last operation succeeded, whatever it has found. */
static inline bool resp_is_done(const struct resp_task *task)
{
    return task->base.call.reply.status == KV_OK;
}

#endif
