/* SPDX-License-Identifier: MIT
 *
 * The task of the RESP face, which its files share: the arguments of a command, its operations of the store, and its
 * reply. A name in Redis is either a hash, which is a table of the store, or a string, which is a key of one table that
 * the option `table` names. So many commands have two operations, one of which only checks that the name is not of the
 * other kind. All functions run on the task's loop. */
#ifndef KV_RESP_TASK_H
#define KV_RESP_TASK_H

#include "command.h"
#include "core/base/compiler.h"
#include "services/kv/packed.h"
#include "services/kv/session.h"
#include "services/kv/update.h"
#include "services/payload/resp/writer.h"

enum {
    RESP_FEW = 8,         /* at most this many arguments or items need no allocation */
    RESP_TABLE_MAX = 128, /* the size of the buffer for the name of the table of strings */
    RESP_LINE = 512       /* the size of the buffer for a text */
};

struct resp_config {
    struct kv_session_config base; /* first */
    struct resp_index index;
    char table[RESP_TABLE_MAX]; /* the name of the table of strings */
    size_t table_size;
};

struct resp_conn {
    struct kv_session session; /* first */
    uint8_t protocol;          /* 3 for RESP3; any other number means RESP2 */
};

/* The form of a reply, with the fields of the task that it shows. */
enum resp_form {
    RESP_FORM_STATUS, /* text, as in +OK */
    RESP_FORM_ERROR,  /* text with its prefix, as in -ERR syntax error */
    RESP_FORM_INTEGER,
    RESP_FORM_BULK, /* a bulk string: bytes */
    RESP_FORM_NIL,
    RESP_FORM_VALUE,  /* the found value of the first item; nil if it is absent */
    RESP_FORM_VALUES, /* an array with the found value of each item; nil for absent ones */
    RESP_FORM_PAIRS,  /* the task's pairs, behind a head with their number */
    RESP_FORM_PAGE,   /* a cursor, which is in bytes, and the task's pairs */
    RESP_FORM_RAW     /* bytes, which are a whole encoded reply */
};

/* Which part of its pairs a reply has. */
enum resp_part { RESP_PART_BOTH, RESP_PART_KEYS, RESP_PART_VALUES };

struct resp_body {
    struct weft_body body; /* first: write() casts it back */
    struct resp_task *task;
    const struct kv_reply *reply; /* the reply is the text of this one; NULL: the task's fields */
};

/* The state of a random choice among the pairs that a walk shows. */
struct resp_random {
    uint64_t state, left, seen, total; /* left: picks to do; seen and total: numbers of pairs */
    double place;                      /* the place of the next pick, from 0 to 1; set if drawn */
    bool drawn;
    bool (*take)(struct kv_call *call, const struct kv_pair *pair); /* the session's */
};

struct resp_task {
    struct kv_task base; /* first */
    const struct resp_command *command;
    struct weft_view *args; /* args[0] is the command's name */
    size_t count;           /* the number of args */

    struct kv_item *items; /* the items of the command, in the order of its arguments */
    size_t item_count;
    struct kv_item probe; /* the item for the check whether the name is of the other kind */
    struct kv_update update;
    struct weft_view match; /* a pattern for the keys of a walk; data NULL: any key */
    int64_t expires;        /* an expiry as in kv_item */
    int stage;              /* for a command in steps: the number of operations done */
    size_t at;              /* for a command with several names: the present one */
    unsigned options;       /* bits that each command defines for itself */
    bool (*tell)(struct resp_task *task); /* for resp_begin_counting (keys.h) */
    struct resp_random random;
    uint64_t cursor; /* the cursor of a page, as a number and as bytes */
    uint8_t cursor_bytes[8];

    enum resp_form form;
    enum resp_part part;
    bool as_map;            /* RESP_FORM_PAIRS: in RESP3 the pairs are a map */
    bool as_set;            /* RESP_FORM_PAIRS: in RESP3 they are a set */
    bool waits;             /* no answer yet: the layers are looking at a secret */
    bool as_nested;         /* RESP_FORM_PAIRS: in RESP3 each pair is an array */
    const char *text;       /* RESP_FORM_STATUS, RESP_FORM_ERROR */
    int64_t integer;        /* RESP_FORM_INTEGER */
    struct weft_view bytes; /* RESP_FORM_BULK, RESP_FORM_RAW */
    struct resp_body body;

    struct weft_view few_args[RESP_FEW];
    struct kv_item few_items[RESP_FEW];
    char line[RESP_LINE]; /* a buffer in which text may lie */
};

/* These return the RESP face's structs, whose first members are those of the session. */
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

/* True if the connection speaks RESP3. */
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

/* The operations of the store. The results are in the items or in task->base.call. */
enum resp_operation {
    RESP_GET,
    RESP_LOOK,       /* finds out which keys are present */
    RESP_PUT,        /* stores item.value */
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

/* --- values (value.c) ------------------------------------------------------------------------------ */

enum { RESP_NUMBER_MAX = KV_NUMBER_TEXT };

/* Returns the text of a value. For a string or binary it is the bytes, which lie in the value; for a number or bool it
 * is written to `space`. */
struct weft_view resp_value_text(struct weft_view packed, char space[RESP_NUMBER_MAX]);

/* Sets *value to the packed form of text: a string if it is UTF-8, else a binary. It lies in the request's arena, or in
 * a blob, which the session drops with the task's last operation. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int resp_value_make(struct resp_task *task, struct weft_view text,
                                  struct kv_value *value);

/* True if text is an integer in the form that Redis accepts; sets *number. */
bool resp_parse_integer(struct weft_view text, int64_t *number);
/* True if text is a finite number in a form that Redis accepts; sets *number. */
bool resp_parse_real(struct weft_view text, double *number);

/* True if the bytes match a pattern of Redis: * ? [a-z] [^a] and \. The time is at most proportional to the product of
 * both sizes. */
bool resp_matches(struct weft_view pattern, struct weft_view bytes);

/* --- replies (reply.c) ----------------------------------------------------------------------------- */

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
