/* SPDX-License-Identifier: MIT
 *
 * Each command is a walk over the connections (core/connections.h). What it looks for and what it has found lies in a
 * struct clients on the heap, because visits run on other threads, which must not use the request's arena. */
#include "clients.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/connections.h"

enum {
    NAME_MAX_SIZE = 128,  /* of an address or a user, its NUL included */
    SHOWN_NAME = 128,     /* a client's name is cut to this many bytes */
    LINE_SIZE = 1024,     /* more than any line of the list has */
    FIRST_CAPACITY = 4096 /* bytes of lines */
};

/* A text that a connection must have. */
struct wanted {
    bool is_set;
    char
        text[NAME_MAX_SIZE]; /* empty if what is wanted is too long for any connection to have it */
};

/* A line of the list, which lies in the text. */
struct row {
    uint64_t id;
    size_t begin, size;
};

struct clients {
    struct weft_walk walk;
    struct resp_task *task;
    struct wanted address, local, user;
    bool nobody, skip_me, kills, is_old_form, only_me;
    uint64_t id; /* for KILL; 0: any */
    uint64_t killed;
    int error;   /* 0, -ENOMEM, or WEFT_ETOOBIG: the lines are over the limit of a reply */
    size_t most; /* that limit */
    bool is_3;
    char *text;
    size_t size, capacity;
    struct row *rows;
    size_t row_count, row_capacity;
    /* For LIST ID: the numbers as they were given, and sorted. */
    bool has_ids;
    size_t id_count;
    uint64_t *ids, *sorted_ids;
};

static void free_clients(struct clients *clients)
{
    weft_free(clients->text);
    weft_free(clients->rows);
    weft_free(clients->ids);
    weft_free(clients->sorted_ids);
    weft_free(clients);
}

/* --- a line ---------------------------------------------------------------------------------------- */

/* Copies a name so that a line can be taken apart at its spaces. */
static const char *shown(const char *name, char dst[SHOWN_NAME + 1])
{
    size_t size = 0;
    for (; name && name[size] && size < SHOWN_NAME; size++)
        dst[size] = name[size] > ' ' && name[size] <= '~' ? name[size] : '_';
    dst[size] = '\0';
    return dst;
}

/* The address that the connection was accepted at: the URL's, without its scheme. */
static struct weft_view local_address(const struct weft_connection *row)
{
    const char *text = row->endpoint, *colons = strstr(text, "://");
    if (colons)
        text = colons + 3;
    return weft_view(text, strcspn(text, " ?"));
}

static const char *user_of(const struct weft_connection *row)
{
    return row->user ? row->user : "default";
}

/* The letters of Redis. */
static const char *flags_of(const struct weft_connection *row)
{
    if (row->state == WEFT_CONNECTION_CLOSING || row->state == WEFT_CONNECTION_ENDED)
        return "c";
    return strcmp(row->transport, "unix") == 0 ? "U" : "N";
}

/* Writes a line with the fields of Redis that a connection has here. The protocol's version is known of the one that
 * asks alone. */
static size_t write_line(const struct clients *clients, const struct weft_connection *row,
                         char line[LINE_SIZE])
{
    char name[SHOWN_NAME + 1], user[SHOWN_NAME + 1], protocol[16] = "";
    struct weft_view local = local_address(row);
    const char *command = "NULL";
    if (row->asks) {
        command = clients->only_me ? "client|info" : "client|list";
        (void)snprintf(protocol, sizeof protocol, " resp=%d", clients->is_3 ? 3 : 2);
    }
    int n = snprintf(line, LINE_SIZE,
                     "id=%" PRIu64 " addr=%.128s laddr=%.*s name=%s age=%" PRId64 " idle=%" PRId64
                     " flags=%s db=0 sub=0 psub=0 multi=-1 qbuf=%" PRIu64
                     " qbuf-free=0 argv-mem=0 obl=0 oll=0"
                     " omem=%" PRIu64 " tot-mem=%" PRIu64 " events=%s cmd=%s user=%s%s\n",
                     row->id, row->address, (int)(local.size < 256 ? local.size : 256),
                     (const char *)local.data, shown(row->label, name),
                     row->age / (int64_t)WEFT_SECONDS(1), row->idle / (int64_t)WEFT_SECONDS(1),
                     flags_of(row), row->input, row->output, row->input + row->output,
                     row->output > 0 ? "rw" : "r", command, shown(user_of(row), user), protocol);
    return n > 0 && n < LINE_SIZE ? (size_t)n : 0;
}

/* --- the walk -------------------------------------------------------------------------------------- */

/* Doubles an array until it has room. False: no memory. */
static bool make_room(void **array, size_t *capacity, size_t need, size_t size)
{
    size_t grown = *capacity > 0 ? *capacity : FIRST_CAPACITY / size;
    while (grown < need)
        grown *= 2;
    if (grown == *capacity)
        return true;
    void *bigger = weft_realloc(*array, grown * size);
    if (!bigger)
        return false;
    *array = bigger;
    *capacity = grown;
    return true;
}

static unsigned add_line(struct clients *clients, const struct weft_connection *row)
{
    char line[LINE_SIZE];
    size_t size = write_line(clients, row, line);
    void *text = clients->text, *rows = clients->rows;
    if (clients->size + size > clients->most) {
        clients->error = WEFT_ETOOBIG;
        return WEFT_VISIT_STOP;
    }
    bool has_room =
        make_room(&text, &clients->capacity, clients->size + size, 1) &&
        make_room(&rows, &clients->row_capacity, clients->row_count + 1, sizeof *clients->rows);
    clients->text = text;
    clients->rows = rows;
    if (!has_room) {
        clients->error = -ENOMEM;
        return WEFT_VISIT_STOP;
    }
    memcpy(clients->text + clients->size, line, size);
    clients->rows[clients->row_count++] = (struct row){row->id, clients->size, size};
    clients->size += size;
    return WEFT_VISIT_NEXT;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

static bool has(const struct wanted *wanted, struct weft_view text)
{
    return !wanted->is_set || weft_view_equal(weft_view_str(wanted->text), text);
}

static bool is_wanted(const struct clients *clients, const struct weft_connection *row)
{
    if (clients->nobody || (clients->only_me && !row->asks) || (clients->skip_me && row->asks))
        return false;
    if (clients->id != 0 && clients->id != row->id)
        return false;
    if (clients->has_ids && !bsearch(&row->id, clients->sorted_ids, clients->id_count,
                                     sizeof *clients->sorted_ids, compare_ids))
        return false;
    return has(&clients->address, weft_view_str(row->address)) &&
           has(&clients->local, local_address(row)) &&
           has(&clients->user, weft_view_str(user_of(row)));
}

static unsigned visit(struct weft_walk *walk, const struct weft_connection *row)
{
    struct clients *clients = weft_container_of(walk, struct clients, walk);
    if (!is_wanted(clients, row))
        return WEFT_VISIT_NEXT;
    if (!clients->kills)
        return add_line(clients, row) | (clients->only_me ? WEFT_VISIT_STOP : 0);
    /* It has answered all, and is as good as gone. */
    if (row->state == WEFT_CONNECTION_ENDED)
        return WEFT_VISIT_NEXT;
    clients->killed++;
    return WEFT_VISIT_END;
}

/* --- the reply ------------------------------------------------------------------------------------- */

/* Returns the row with a number, or NULL. The rows are sorted. */
static const struct row *find_row(const struct clients *clients, uint64_t id)
{
    const struct row key = {.id = id};
    if (clients->row_count == 0)
        return NULL;
    return bsearch(&key, clients->rows, clients->row_count, sizeof key, compare_ids);
}

static size_t size_of_lines(const struct clients *clients)
{
    size_t size = 0;
    if (!clients->has_ids)
        return clients->size;
    for (size_t i = 0; i < clients->id_count; i++) {
        const struct row *row = find_row(clients, clients->ids[i]);
        size += row ? row->size : 0;
    }
    return size;
}

static uint8_t *put_row(const struct clients *clients, const struct row *row, uint8_t *dst)
{
    if (!row)
        return dst;
    memcpy(dst, clients->text + row->begin, row->size);
    return dst + row->size;
}

/* In RESP3 the list is a verbatim string. */
static bool reply_lines(struct clients *clients)
{
    static const char kind[] = "txt:";
    struct resp_task *task = clients->task;
    if (clients->row_count > 0)
        qsort(clients->rows, clients->row_count, sizeof *clients->rows, compare_ids);
    size_t size = size_of_lines(clients) + (clients->is_3 ? sizeof kind - 1 : 0);
    if (size > clients->most)
        return resp_error(task, "ERR the list is over max-message: ask for some by ID");
    char *reply =
        weft_arena_alloc(weft_request_arena(task->base.request), size + 2 + WEFT_RESP_HEAD_MAX);
    if (!reply)
        return resp_no_memory(task);
    uint8_t *dst = (uint8_t *)reply;
    dst += snprintf(reply, WEFT_RESP_HEAD_MAX, "%c%zu\r\n", clients->is_3 ? '=' : '$', size);
    if (clients->is_3) {
        memcpy(dst, kind, sizeof kind - 1);
        dst += sizeof kind - 1;
    }
    for (size_t i = 0; clients->has_ids && i < clients->id_count; i++)
        dst = put_row(clients, find_row(clients, clients->ids[i]), dst);
    for (size_t i = 0; !clients->has_ids && i < clients->row_count; i++)
        dst = put_row(clients, &clients->rows[i], dst);
    dst = weft_resp_put_line_end(dst);
    return resp_raw(task, weft_view(reply, (size_t)(dst - (uint8_t *)reply)));
}

static bool reply_killed(struct clients *clients)
{
    if (!clients->is_old_form)
        return resp_integer(clients->task, (int64_t)clients->killed);
    if (clients->killed == 0)
        return resp_error(clients->task, "ERR No such client");
    return resp_status(clients->task, "OK");
}

static void done(struct weft_walk *walk)
{
    struct clients *clients = weft_container_of(walk, struct clients, walk);
    struct resp_task *task = clients->task;
    if (clients->error == WEFT_ETOOBIG)
        (void)resp_error(task, "ERR the list is over max-message: ask for some by ID");
    else if (clients->error < 0)
        (void)resp_no_memory(task);
    else if (clients->kills)
        (void)reply_killed(clients);
    else
        (void)reply_lines(clients);
    free_clients(clients);
    (void)resp_answer(task);
}

/* Begins the walk, or answers that there is no memory. */
static bool start(struct resp_task *task, struct clients *clients)
{
    struct kv_task *later = kv_task_postpone(&task->base);
    if (!later) {
        free_clients(clients);
        return false;
    }
    clients->task = resp_task_of(later);
    clients->walk.visit = visit;
    clients->walk.done = done;
    weft_connections_walk(later->request, &clients->walk);
    return false;
}

/* --- the arguments --------------------------------------------------------------------------------- */

/* Makes the struct, or answers that there is no memory. */
static struct clients *make_clients(struct resp_task *task)
{
    struct clients *clients = weft_calloc(1, sizeof *clients);
    if (!clients) {
        (void)resp_no_memory(task);
        (void)resp_answer(task);
        return NULL;
    }
    clients->is_3 = resp_is_3(task);
    clients->most = (size_t)kv_task_limits(&task->base)->max_message;
    return clients;
}

/* Asks the layers whether the client may see or end others. False: it may not, and an error reply is set. */
static bool may_manage(struct resp_task *task)
{
    const struct weft_action action = {
        .name = task->command->name, .object = task->args[1], .flags = WEFT_ACTION_ADMIN};
    struct weft_rejection why;
    if (!task->base.request->layers || weft_request_ask(task->base.request, &action, &why))
        return true;
    return resp_error_format(task,
                             "NOPERM this user has no permissions to run the 'client|%.*s' command",
                             RESP_SHOWN(task->args[1]));
}

/* Reads a type of client. All connections are normal ones. */
static bool take_type(struct resp_task *task, struct clients *clients, struct weft_view type)
{
    static const char *const others[] = {"master", "slave", "replica", "pubsub"};
    if (resp_is_word(type, "normal"))
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (resp_is_word(type, others[i])) {
            clients->nobody = true;
            return true;
        }
    }
    return resp_error_format(task, "ERR Unknown client type '%.*s'", RESP_SHOWN(type));
}

static bool take_ids(struct resp_task *task, struct clients *clients)
{
    clients->has_ids = true;
    clients->id_count = task->count - 3;
    clients->ids = weft_calloc(clients->id_count, sizeof *clients->ids);
    clients->sorted_ids = weft_calloc(clients->id_count, sizeof *clients->sorted_ids);
    if (!clients->ids || !clients->sorted_ids)
        return resp_no_memory(task);
    for (size_t i = 0; i < clients->id_count; i++) {
        int64_t id;
        if (!resp_parse_integer(task->args[i + 3], &id))
            return resp_error(task, "ERR Invalid client ID");
        clients->ids[i] = clients->sorted_ids[i] = (uint64_t)id;
    }
    qsort(clients->sorted_ids, clients->id_count, sizeof *clients->sorted_ids, compare_ids);
    return true;
}

static bool take_list(struct resp_task *task, struct clients *clients)
{
    if (task->count == 2)
        return true;
    if (task->count == 4 && resp_is_word(task->args[2], "TYPE"))
        return take_type(task, clients, task->args[3]);
    if (task->count > 3 && resp_is_word(task->args[2], "ID"))
        return take_ids(task, clients);
    return resp_syntax_error(task);
}

static void want(struct wanted *wanted, struct weft_view text)
{
    wanted->is_set = true;
    wanted->text[0] = '\0';
    if (text.size >= sizeof wanted->text)
        return;
    memcpy(wanted->text, text.data, text.size);
    wanted->text[text.size] = '\0';
}

static bool take_id(struct resp_task *task, struct clients *clients, struct weft_view text)
{
    int64_t id;
    if (!resp_parse_integer(text, &id) || id < 1)
        return resp_error(task, "ERR client-id should be greater than 0");
    clients->id = (uint64_t)id;
    return true;
}

static bool take_skip_me(struct resp_task *task, struct clients *clients, struct weft_view text)
{
    clients->skip_me = resp_is_word(text, "YES");
    return clients->skip_me || resp_is_word(text, "NO") || resp_syntax_error(task);
}

/* Reads one option of KILL. False: the reply says what is wrong. */
static bool take_filter(struct resp_task *task, struct clients *clients, struct weft_view name,
                        struct weft_view value)
{
    if (resp_is_word(name, "ID"))
        return take_id(task, clients, value);
    if (resp_is_word(name, "TYPE"))
        return take_type(task, clients, value);
    if (resp_is_word(name, "SKIPME"))
        return take_skip_me(task, clients, value);
    if (resp_is_word(name, "ADDR"))
        want(&clients->address, value);
    else if (resp_is_word(name, "LADDR"))
        want(&clients->local, value);
    else if (resp_is_word(name, "USER"))
        want(&clients->user, value);
    else
        return resp_syntax_error(task);
    return true;
}

static bool take_kill(struct resp_task *task, struct clients *clients)
{
    clients->kills = true;
    clients->is_old_form = task->count == 3;
    clients->skip_me = !clients->is_old_form;
    if (clients->is_old_form)
        want(&clients->address, task->args[2]);
    for (size_t at = 2; !clients->is_old_form && at < task->count; at += 2) {
        if (at + 1 == task->count)
            return resp_syntax_error(task);
        if (!take_filter(task, clients, task->args[at], task->args[at + 1]))
            return false;
    }
    return true;
}

static bool begin(struct resp_task *task,
                  bool (*take)(struct resp_task *task, struct clients *clients))
{
    if (!may_manage(task))
        return resp_answer(task);
    struct clients *clients = make_clients(task);
    if (!clients)
        return false;
    if (take(task, clients))
        return start(task, clients);
    free_clients(clients);
    return resp_answer(task);
}

bool resp_begin_client_list(struct resp_task *task)
{
    return begin(task, take_list);
}

bool resp_begin_client_kill(struct resp_task *task)
{
    return begin(task, take_kill);
}

bool resp_begin_client_info(struct resp_task *task)
{
    struct clients *clients = make_clients(task);
    if (!clients)
        return false;
    clients->only_me = true;
    return start(task, clients);
}
