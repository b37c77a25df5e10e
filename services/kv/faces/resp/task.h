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

struct resp_subscriber;

struct resp_conn {
    struct kv_session session;          /* first */
    struct resp_subscriber *subscriber; /* its subscriptions (topics.h), or NULL */
    uint8_t protocol;                   /* 3 for RESP3; any other number means RESP2 */
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

/* The functions of a task. */
#include "operation.h"
#include "reply.h"
#include "value.h"

#endif
