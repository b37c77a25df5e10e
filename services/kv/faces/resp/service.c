/* SPDX-License-Identifier: MIT
 *
 * The RESP face of kv: a payload is a command of Redis, a reply is one of RESP2 or, after HELLO 3, of RESP3. */
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "services/kv/keyspace.h"
#include "services/payload/resp/reader.h"
#include "task.h"
#include "topics.h"

static const struct weft_option resp_options[] = {
    {"table", "NAME", "the table whose keys are the strings of Redis (default \"default\")"},
    {0},
};

/* --- a request ------------------------------------------------------------------------------------- */

WEFT_NOINLINE static int refuse_malformed(struct resp_task *task)
{
    kv_task_refuse(&task->base, KV_BAD_REQUEST, "Protocol error: malformed", true);
    return -1;
}

/* Reads the arguments of an inline command, or many. Returns as read_arguments. */
WEFT_NOINLINE static int read_any_arguments(struct resp_task *task)
{
    struct weft_view payload = task->base.request->payload;
    struct weft_arena *arena = weft_request_arena(task->base.request);
    ssize_t count = weft_resp_count(payload);
    if (count < 0)
        return refuse_malformed(task);
    task->count = (size_t)count;
    task->args = task->few_args;
    uint8_t *space = NULL;
    if (task->count > RESP_FEW)
        task->args = weft_arena_alloc(arena, task->count * sizeof *task->args);
    if (task->args && !weft_resp_is_array(payload) && payload.size > 0)
        space = weft_arena_alloc(arena, payload.size);
    if (!task->args || (!space && !weft_resp_is_array(payload) && payload.size > 0)) {
        (void)resp_no_memory(task);
        (void)resp_answer(task);
        return -1;
    }
    if (weft_resp_split(payload, task->args, task->count, space) < 0)
        return refuse_malformed(task);
    return task->count > 0;
}

/* Reads the arguments. Returns 1; 0 if there is none, which is answered with nothing; or below 0: the task
 * is answered. */
static int read_arguments(struct resp_task *task)
{
    ssize_t count = weft_resp_split_few(task->base.request->payload, task->few_args, RESP_FEW);
    if (count == 0)
        return read_any_arguments(task);
    if (count < 0)
        return refuse_malformed(task);
    task->count = (size_t)count;
    task->args = task->few_args;
    return 1;
}

/* Shows the arguments as Redis does: the first of them, until 128 bytes are full. */
static bool refuse_unknown(struct resp_task *task)
{
    int n = snprintf(
        task->line, sizeof task->line,
        "ERR unknown command '%.*s', with args beginning with: ", RESP_SHOWN(task->args[0]));
    size_t begin = (size_t)n, size = begin;
    for (size_t i = 1; i < task->count && size - begin < 128; i++) {
        size_t room = 128 - (size - begin);
        struct weft_view arg = task->args[i];
        n = snprintf(task->line + size, sizeof task->line - size, "'%.*s' ",
                     (int)(arg.size < room ? arg.size : room),
                     arg.data ? (const char *)arg.data : "");
        size += (size_t)n;
    }
    (void)resp_error(task, task->line);
    return resp_answer(task);
}

/* The first argument must not be the table of the strings: its keys are names, not fields. */
static bool is_misused_table(const struct resp_task *task)
{
    return task->command->flags & RESP_HASH && weft_view_equal(task->args[1], resp_strings(task));
}

static bool may_begin(struct resp_task *task)
{
    const struct resp_command *command = task->command;
    unsigned store = kv_task_config(&task->base)->context->store->flags;
    bool is_short = command->arity < 0 && task->count < (size_t)-command->arity;
    if (is_short || (command->arity > 0 && task->count != (size_t)command->arity))
        return resp_wrong_arity(task, command->name);
    if (is_misused_table(task))
        return resp_error_format(task,
                                 "ERR '%s' is the table of the strings, not a hash: start kvs with "
                                 "another ?table=",
                                 resp_config_of(task)->table);
    if ((command->flags & RESP_UPDATES && !(store & KV_STORE_UPDATE)) ||
        (command->flags & RESP_EXPIRES && !(store & KV_STORE_EXPIRY)))
        return resp_error_format(task, "ERR %s is not possible with this store", command->name);
    return true;
}

static void init(struct resp_task *task)
{
    task->form = RESP_FORM_STATUS;
    task->text = "OK";
    task->part = RESP_PART_BOTH;
    task->waits = false;
    task->as_map = task->as_set = task->as_nested = false;
    task->items = NULL;
    task->item_count = 0;
    task->match = weft_view(NULL, 0);
    task->expires = KV_NEVER;
    task->stage = 0;
    task->at = 0;
    task->options = 0;
}

/* Fills what layers are asked about. */
static void action(const struct kv_task *base, struct weft_action *action)
{
    const struct resp_task *task = (const struct resp_task *)base;
    const struct resp_command *command = task->command;
    action->name = command->name;
    action->object = command->flags & RESP_HASH ? task->args[1] : resp_strings(task);
    action->flags = 0;
    if (command->flags & RESP_WRITE)
        action->flags |= WEFT_ACTION_WRITES;
    if (command->flags & RESP_ADMIN)
        action->flags |= WEFT_ACTION_ADMIN;
    if (command->flags & RESP_OPEN)
        action->flags |= WEFT_ACTION_OPEN;
    if (!(command->flags & (RESP_WRITE | RESP_READONLY | RESP_ADMIN))) {
        action->object = weft_view(NULL, 0);
        action->flags |= WEFT_ACTION_PLAIN;
    }
}

/* Says what a command in steps uses, if that is one name, or one field of a hash. */
static void mark(struct resp_task *task)
{
    const unsigned store = kv_task_config(&task->base)->context->store->flags;
    enum kv_use use = task->command->flags & RESP_WRITE ? KV_USE_WRITES : KV_USE_READS;
    if (!(store & KV_STORE_OVERLAP) || !task->base.in_steps || task->command->first != 1 ||
        task->command->last != 1)
        return;
    if (!(task->command->flags & RESP_HASH)) {
        kv_task_mark(&task->base, task->args[1], NULL, use);
    } else if (task->item_count == 1) {
        kv_task_mark(&task->base, task->args[1], NULL, KV_USE_WITHIN);
        kv_task_mark(&task->base, task->args[1], &task->items[0].key, use);
    }
}

static bool decode_resp(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    init(task);
    task->command = NULL;
    int found = read_arguments(task);
    if (found < 0)
        return false;
    if (found == 0) {
        kv_task_refuse(base, KV_BAD_REQUEST, "Protocol error: empty command", true);
        return false;
    }
    const struct resp_command *command =
        resp_index_find(&resp_config_of(task)->index, task->args[0]);
    task->command = command;
    if (!command)
        return refuse_unknown(task);
    if (!may_begin(task))
        return resp_answer(task);
    if (!(command->flags & RESP_ANYTIME) && resp_topics_restrict(resp_conn_of(task))) {
        (void)resp_error_format(task,
                                "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / "
                                "PING / QUIT / RESET are allowed in this context",
                                command->name);
        return resp_answer(task);
    }
    /* The face answers these itself, so the session does not ask the layers. */
    if (!(command->flags & (RESP_WRITE | RESP_READONLY)) && base->request->layers) {
        struct weft_action asked;
        action(base, &asked);
        if (!kv_task_ask(base, &asked))
            return false;
    }
    base->request->action = command->name; /* for an observer, where no layer is asked */
    if (!command->begin(task))
        return false;
    mark(task);
    return true;
}

static const struct kv_face resp_face = {
    .task_size = sizeof(struct resp_task),
    .decode = decode_resp,
    .reply = resp_reply,
    .pair_size = resp_pair_size,
    .put_pair = resp_put_pair,
    .action = action,
    .put_text = resp_put_text,
};

/* --- the service ----------------------------------------------------------------------------------- */

static int configure_resp(void *memory, void *context, const struct weft_option_set *set,
                          const struct weft_limits *limits, struct weft_error *error)
{
    struct resp_config *config = memory;
    const char *table = weft_option_get(set, "table");
    if (!table)
        table = "default";
    if (strlen(table) >= sizeof config->table)
        return weft_error_set(error, WEFT_ECONFIG, "table=%.64s...: it takes at most %d bytes",
                              table, RESP_TABLE_MAX - 1);
    strcpy(config->table, table);
    config->table_size = strlen(table);
    resp_index_make(&config->index, resp_commands);
    kv_keyspace_set_strings(((struct weft_kv_context *)context)->keyspace, table);
    return kv_session_configure(&config->base, context, limits, &resp_face);
}

static void call_resp(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state;
    struct resp_task task;
    kv_session_call(conn_state, request, &task.base);
}

const struct weft_service weft_kv_resp_service = {
    .name = "kv",
    .speaks = "resp",
    .asks = true,
    .options = resp_options,
    .config_size = sizeof(struct resp_config),
    .loop_size = sizeof(struct kv_session_loop),
    .conn_size = sizeof(struct resp_conn),
    .configure = configure_resp,
    .start = kv_session_loop_start,
    .stop = kv_session_loop_stop,
    .open = kv_session_open,
    .close = kv_session_close,
    .call = call_resp,
    .reject = resp_reject,
};
