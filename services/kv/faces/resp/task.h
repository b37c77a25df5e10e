/* SPDX-License-Identifier: MIT
 *
 * The files of the RESP face share a task, with its arguments, the operations of the store that it is made of,
 * and its reply. A name of Redis is a table (a hash) or a key of the default table (a string), so many
 * commands have two operations: one of them only looks if the name is of the other kind. */
#ifndef KV_RESP_TASK_H
#define KV_RESP_TASK_H

#include "command.h"
#include "core/base/compiler.h"
#include "services/kv/packed.h"
#include "services/kv/session.h"
#include "services/kv/update.h"
#include "services/payload/resp/writer.h"

enum {
    RESP_FEW = 8,         /* arguments and items for which nothing is allocated */
    RESP_TABLE_MAX = 128, /* bytes of the default table's name */
    RESP_LINE = 512
};

struct resp_config {
    struct kv_session_config base; /* first */
    struct resp_index index;
    char table[RESP_TABLE_MAX]; /* of strings */
    size_t table_size;
};

struct resp_conn {
    struct kv_session session; /* first */
    uint8_t protocol;          /* 3, or anything else for RESP2 */
};

enum resp_form {
    RESP_FORM_STATUS, /* text, as in +OK */
    RESP_FORM_ERROR,  /* text with its prefix, as in -ERR syntax error */
    RESP_FORM_INTEGER,
    RESP_FORM_BULK, /* bytes */
    RESP_FORM_NIL,
    RESP_FORM_VALUE,  /* the found value of the first item, or nil */
    RESP_FORM_VALUES, /* an array of the found values of all items, or nil for each */
    RESP_FORM_PAIRS,  /* the task's pairs, behind a head that counts them */
    RESP_FORM_PAGE,   /* a cursor and the task's pairs */
    RESP_FORM_RAW     /* bytes that are a reply as they are */
};

/* The part of pairs that a reply has. */
enum resp_part { RESP_PART_BOTH, RESP_PART_KEYS, RESP_PART_VALUES };

struct resp_body {
    struct weft_body body; /* first: write() casts it back */
    struct resp_task *task;
    const struct kv_reply *reply; /* whose words the reply is; NULL: none */
};

/* Picks at random among pairs that a walk shows. */
struct resp_random {
    uint64_t state, left, seen, total; /* left: picks; seen and total: pairs */
    double place;                      /* of the next pick, from 0 to 1, if drawn */
    bool drawn;
    bool (*take)(struct kv_call *call, const struct kv_pair *pair); /* the session's */
};

struct resp_task {
    struct kv_task base; /* first */
    const struct resp_command *command;
    struct weft_view *args; /* args[0] is the command's name */
    size_t count;           /* of args */

    struct kv_item *items; /* of the command, in the order of its arguments */
    size_t item_count;
    struct kv_item probe; /* the name, looked for among the other kind */
    struct kv_update update;
    struct weft_view match;               /* a pattern for the keys of a walk; data NULL: any key */
    int64_t expires;                      /* as in kv_item */
    int stage;                            /* of a command in steps: how many operations are done */
    size_t at;                            /* a command that goes from name to name: which one */
    unsigned options;                     /* of a command that has some: its own bits */
    bool (*tell)(struct resp_task *task); /* of a command that counts: see keys.h */
    struct resp_random random;
    uint64_t cursor; /* of a page */
    uint8_t cursor_bytes[8];

    enum resp_form form;
    enum resp_part part;
    bool as_map; /* RESP_FORM_PAIRS: pairs are a map in RESP3 */
    bool as_set;
    bool as_nested;         /* RESP_FORM_PAIRS: in RESP3 each pair is an array */
    const char *text;       /* RESP_FORM_STATUS, RESP_FORM_ERROR */
    int64_t integer;        /* RESP_FORM_INTEGER */
    struct weft_view bytes; /* RESP_FORM_BULK, RESP_FORM_RAW */
    struct resp_body body;

    struct weft_view few_args[RESP_FEW];
    struct kv_item few_items[RESP_FEW];
    char line[RESP_LINE]; /* what text may show */
};

static inline struct resp_task *resp_task_of(struct kv_task *base)
{
    return weft_container_of(base, struct resp_task, base);
}

static inline const struct resp_config *resp_config_of(const struct resp_task *task)
{
    return (const struct resp_config *)kv_task_config(&task->base);
}

static inline struct resp_conn *resp_conn_of(const struct resp_task *task)
{
    return (struct resp_conn *)task->base.session;
}

static inline bool resp_is_3(const struct resp_task *task)
{
    return resp_conn_of(task)->protocol == 3;
}

/* Returns the table whose keys are the strings. */
static inline struct weft_view resp_strings(const struct resp_task *task)
{
    const struct resp_config *config = resp_config_of(task);
    return weft_view(config->table, config->table_size);
}

/* --- operations (operation.c) ---------------------------------------------------------------------- */

/* The operations of the store. Those of a command that writes are told from those that read, because a
 * store may treat them differently, and so may the words of a failure. */
enum resp_operation {
    RESP_GET,
    RESP_LOOK,       /* is it there? */
    RESP_PUT,        /* stores item.value */
    RESP_UPDATE,     /* decides by item.update; the verdict is in the item */
    RESP_UPDATE_ALL, /* all items or none */
    RESP_DELETE,     /* removes the keys */
    RESP_COUNT,      /* of the keys of a table, in call.op.total */
    RESP_DROP,       /* removes a table; call.op.total */
    RESP_WALK,       /* all pairs */
    RESP_NAMES,      /* the names of all tables */
    RESP_PAGE,       /* some pairs, and a cursor */
    RESP_PAGE_NAMES,
    RESP_FIRST_NAME /* of the tables that there are */
};

/* Makes that operation on items of table the task's next one. Items may be NULL for those that take none. */
void resp_operate(struct resp_task *task, enum resp_operation operation, struct weft_view table,
                  struct kv_item *items, size_t count);

/* Gives the task zeroed items. False: there is no memory, and the task is answered. From begin only. */
WEFT_MUST_USE bool resp_take_items(struct resp_task *task, size_t count);

/* Makes the next operation look if the name is a string, or a hash. resp_found says so then. */
void resp_look_for_string(struct resp_task *task, struct weft_view name);
void resp_look_for_hash(struct resp_task *task, struct weft_view name);
/* True if the last operation was done, and the name was there. */
bool resp_found_string(const struct resp_task *task);
bool resp_found_hash(const struct resp_task *task);

/* True if the store can tell its tables, without which no name is known to be a hash. */
bool resp_knows_hashes(const struct resp_task *task);

/* Asks the layers for leave to remove a hash, which the command does beside what they were asked about. False:
 * the reply says no. */
bool resp_may_drop(struct resp_task *task, struct weft_view table);

/* True if the last operation has been done, whatever it found. */
static inline bool resp_is_done(const struct resp_task *task)
{
    return task->base.call.reply.status == KV_OK;
}

/* --- values (value.c) ------------------------------------------------------------------------------ */

enum { RESP_NUMBER_MAX = KV_NUMBER_TEXT };

/* Returns the text of a value: the bytes of a string or binary, which lie in the value, or the text of a
 * number or bool, which is written to space. */
struct weft_view resp_value_text(struct weft_view packed, char space[RESP_NUMBER_MAX]);

/* Sets *value to the packed form of text: a string if it is UTF-8, else a binary. The memory is the task's, or a
 * blob's, which the session drops with the task's last operation. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int resp_value_make(struct resp_task *task, struct weft_view text,
                                  struct kv_value *value);

/* True if text is a whole number as Redis takes it. */
bool resp_parse_integer(struct weft_view text, int64_t *number);
/* True if text is a finite number, as Redis takes it. */
bool resp_parse_real(struct weft_view text, double *number);

/* True if the bytes match a pattern of Redis: * ? [a-z] [^a] and \. Its time is bounded by their product. */
bool resp_matches(struct weft_view pattern, struct weft_view bytes);

/* --- replies (reply.c) ----------------------------------------------------------------------------- */

/* Each makes the reply. resp_error's text begins with its prefix, and no operation follows. Text is static or
 * lies in task->line. All return false, to be returned from begin or a step. */
bool resp_status(struct resp_task *task, const char *text);
bool resp_error(struct resp_task *task, const char *text);
bool resp_integer(struct resp_task *task, int64_t number);
bool resp_bulk(struct resp_task *task, struct weft_view bytes);
bool resp_nil(struct resp_task *task);
bool resp_raw(struct resp_task *task, struct weft_view bytes);
/* An error that is worded with printf into task->line. */
bool resp_error_format(struct resp_task *task, const char *format, ...) WEFT_PRINTF(2, 3);

/* The arguments for "%.*s" in such a text: at most 128 bytes of a view, as in Redis. */
#define RESP_SHOWN(view)                                                                           \
    (int)((view).size < 128 ? (view).size : 128), (view).data ? (const char *)(view).data : ""

/* The errors that several commands have. */
bool resp_wrong_type(struct resp_task *task);
bool resp_syntax_error(struct resp_task *task);
bool resp_wrong_arity(struct resp_task *task, const char *command);
bool resp_no_memory(struct resp_task *task);

/* Answers the task with the reply that was made, from begin. Returns false. */
bool resp_answer(struct resp_task *task);

/* The slots of the face. */
const struct weft_body *resp_reply(struct kv_task *base, const struct kv_reply *reply);
size_t resp_pair_size(const struct kv_task *base, const struct kv_pair *pair);
void resp_put_pair(const struct kv_task *base, uint8_t *dst, const struct kv_pair *pair);
size_t resp_put_text(uint8_t *dst, enum kv_status status, const char *text);
size_t resp_reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst);

#endif
