/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "expiry.h"
#include "statistics.h"
#include "keys.h"
#include "notify.h"
#include "text.h"

bool resp_begin_time(struct resp_task *task)
{
    int64_t now = resp_now(task);
    int n = snprintf(task->line, sizeof task->line, "%" PRId64, now / 1000);
    char micros[16], reply[64];
    int m = snprintf(micros, sizeof micros, "%" PRId64, now % 1000 * 1000);
    int size =
        snprintf(reply, sizeof reply, "*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", n, task->line, m, micros);
    memcpy(task->line, reply, (size_t)size);
    (void)resp_raw(task, weft_view(task->line, (size_t)size));
    return resp_answer(task);
}

static bool unknown_subcommand(struct resp_task *task, const char *command)
{
    (void)resp_error_format(task, "ERR unknown subcommand '%.*s'. Try %s HELP.",
                            RESP_SHOWN(task->args[1]), command);
    return resp_answer(task);
}

/* --- COMMAND --------------------------------------------------------------------------------------- */

static void put_flags(struct resp_text *text, const struct resp_command *command)
{
    static const struct {
        unsigned flag;
        const char *name;
    } flags[] = {{RESP_WRITE, "write"}, {RESP_READONLY, "readonly"}, {RESP_DENYOOM, "denyoom"},
                 {RESP_ADMIN, "admin"}, {RESP_OPEN, "no_auth"},      {RESP_FAST, "fast"}};
    size_t count = 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        count += (command->flags & flags[i].flag) != 0;
    resp_text_set(text, count);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (command->flags & flags[i].flag)
            resp_text_status(text, flags[i].name);
}

static void put_category(struct resp_text *text, const struct resp_command *command)
{
    char category[32];
    (void)snprintf(category, sizeof category, "@%s", command->group);
    resp_text_set(text, 1);
    resp_text_status(text, category);
}

static void put_command(struct resp_text *text, const struct resp_command *command)
{
    resp_text_array(text, 10);
    resp_text_bulk(text, command->name);
    resp_text_integer(text, command->arity);
    put_flags(text, command);
    resp_text_integer(text, command->first);
    resp_text_integer(text, command->last);
    resp_text_integer(text, command->step);
    put_category(text, command);
    resp_text_array(text, 0); /* tips */
    resp_text_array(text, 0); /* key specifications */
    resp_text_array(text, 0); /* subcommands */
}

static void put_commands(struct resp_text *text, struct resp_task *task)
{
    const struct resp_index *index = &resp_config_of(task)->index;
    resp_text_array(text, index->count);
    for (const struct resp_command *command = index->commands; command->name; command++)
        put_command(text, command);
}

static void put_named_commands(struct resp_text *text, struct resp_task *task)
{
    resp_text_array(text, task->count - 2);
    for (size_t i = 2; i < task->count; i++) {
        const struct resp_command *command =
            resp_index_find(&resp_config_of(task)->index, task->args[i]);
        if (command)
            put_command(text, command);
        else
            resp_text_nil(text);
    }
}

static void put_list(struct resp_text *text, struct resp_task *task)
{
    const struct resp_index *index = &resp_config_of(task)->index;
    resp_text_array(text, index->count);
    for (const struct resp_command *command = index->commands; command->name; command++)
        resp_text_bulk(text, command->name);
}

static void put_doc(struct resp_text *text, const struct resp_command *command)
{
    resp_text_bulk(text, command->name);
    resp_text_map(text, 3);
    resp_text_bulk(text, "summary");
    resp_text_bulk(text, command->summary);
    resp_text_bulk(text, "since");
    resp_text_bulk(text, command->since);
    resp_text_bulk(text, "group");
    resp_text_bulk(text, command->group);
}

static void put_docs(struct resp_text *text, struct resp_task *task)
{
    const struct resp_index *index = &resp_config_of(task)->index;
    size_t count = task->count == 2 ? index->count : 0;
    for (size_t i = 2; i < task->count; i++)
        count += resp_index_find(index, task->args[i]) != NULL;
    resp_text_map(text, count);
    for (const struct resp_command *command = index->commands; task->count == 2 && command->name;
         command++)
        put_doc(text, command);
    for (size_t i = 2; i < task->count; i++) {
        const struct resp_command *command = resp_index_find(index, task->args[i]);
        if (command)
            put_doc(text, command);
    }
}

bool resp_begin_command(struct resp_task *task)
{
    if (task->count == 1)
        return resp_text_answer(task, put_commands);
    struct weft_view word = task->args[1];
    if (resp_is_word(word, "DOCS"))
        return resp_text_answer(task, put_docs);
    if (resp_is_word(word, "INFO"))
        return resp_text_answer(task, task->count == 2 ? put_commands : put_named_commands);
    if (resp_is_word(word, "LIST") && task->count == 2)
        return resp_text_answer(task, put_list);
    if (resp_is_word(word, "COUNT") && task->count == 2) {
        (void)resp_integer(task, (int64_t)resp_config_of(task)->index.count);
        return resp_answer(task);
    }
    if (resp_is_word(word, "COUNT")) {
        (void)resp_wrong_arity(task, "command|count");
        return resp_answer(task);
    }
    return unknown_subcommand(task, "COMMAND");
}

/* --- CONFIG ---------------------------------------------------------------------------------------- */

struct setting {
    const char *name;
    char value[32];
};

enum { SETTINGS = 7 };

/* The settings that programs ask for, such as redis-benchmark for the first two. */
static void read_settings(const struct resp_task *task, struct setting settings[SETTINGS])
{
    const struct weft_limits *limits = kv_task_limits(&task->base);
    const struct weft_kv_limits *kv_limits = kv_task_kv_limits(&task->base);
    memset(settings, 0, SETTINGS * sizeof *settings);
    settings[0].name = "save";
    settings[1].name = "appendonly";
    strcpy(settings[1].value, "no");
    settings[2].name = "databases";
    strcpy(settings[2].value, "1");
    settings[3].name = "maxmemory";
    (void)snprintf(settings[3].value, sizeof settings[3].value, "%" PRIu64, kv_limits->max_memory);
    settings[4].name = "maxclients";
    (void)snprintf(settings[4].value, sizeof settings[4].value, "%" PRIu64,
                   limits->max_connections);
    settings[5].name = "timeout";
    (void)snprintf(settings[5].value, sizeof settings[5].value, "%" PRIu64,
                   limits->idle_timeout / WEFT_SECONDS(1));
    settings[6].name = RESP_NOTIFY;
    resp_notify_get(task, settings[6].value);
}

static bool is_asked_for(const struct resp_task *task, const char *name)
{
    for (size_t i = 2; i < task->count; i++)
        if (resp_matches(task->args[i], weft_view_str(name)))
            return true;
    return false;
}

static void put_settings(struct resp_text *text, struct resp_task *task)
{
    struct setting settings[SETTINGS];
    size_t count = 0;
    read_settings(task, settings);
    for (size_t i = 0; i < SETTINGS; i++)
        count += is_asked_for(task, settings[i].name);
    resp_text_map(text, count);
    for (size_t i = 0; i < SETTINGS; i++) {
        if (!is_asked_for(task, settings[i].name))
            continue;
        resp_text_bulk(text, settings[i].name);
        resp_text_bulk(text, settings[i].value);
    }
}

bool resp_begin_config(struct resp_task *task)
{
    if (resp_is_word(task->args[1], "GET")) {
        if (task->count > 2)
            return resp_text_answer(task, put_settings);
        (void)resp_wrong_arity(task, "config|get");
        return resp_answer(task);
    }
    bool sets = resp_is_word(task->args[1], "SET");
    if (sets && task->count == 4 && resp_is_word(task->args[2], RESP_NOTIFY))
        return resp_notify_set(task, task->args[3]);
    if (sets || resp_is_word(task->args[1], "REWRITE") ||
        resp_is_word(task->args[1], "RESETSTAT")) {
        (void)resp_error(task, "ERR CONFIG can only GET here, and SET " RESP_NOTIFY
                               ": other settings are options of the command line");
        return resp_answer(task);
    }
    return unknown_subcommand(task, "CONFIG");
}

/* --- INFO ------------------------------------------------------------------------------------------ */

enum { INFO_MAX = 2048 };

struct info {
    char *text;
    size_t size;
};

static void add(struct info *info, const char *format, ...) WEFT_PRINTF(2, 3);

static void add(struct info *info, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(info->text + info->size, INFO_MAX - info->size, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < INFO_MAX - info->size)
        info->size += (size_t)n;
}

static bool wants(const struct resp_task *task, const char *section)
{
    if (task->count == 1)
        return true;
    for (size_t i = 1; i < task->count; i++)
        if (resp_is_word(task->args[i], section) || resp_is_word(task->args[i], "all") ||
            resp_is_word(task->args[i], "default") || resp_is_word(task->args[i], "everything"))
            return true;
    return false;
}

/* Begins a section, behind an empty line if it is not the first. */
static bool add_section(struct info *info, const struct resp_task *task, const char *name)
{
    if (!wants(task, name))
        return false;
    add(info, "%s# %s\r\n", info->size > 0 ? "\r\n" : "", name);
    return true;
}

static bool tell_info(struct resp_task *task)
{
    struct resp_statistics counted;
    resp_statistics_read(&counted, task);
    struct info info = {.text = weft_arena_alloc(weft_request_arena(task->base.request), INFO_MAX)};
    if (!info.text)
        return resp_no_memory(task);
    if (add_section(&info, task, "Server"))
        add(&info,
            "redis_version:%s\r\nredis_mode:standalone\r\nweft_version:%s\r\nprocess_id:%ld\r\n"
            "arch_bits:%d\r\n",
            RESP_REDIS_VERSION, WEFT_VERSION, (long)getpid(), (int)(8 * sizeof(void *)));
    if (add_section(&info, task, "Clients"))
        add(&info, "connected_clients:%" PRIu64 "\r\nmaxclients:%" PRIu64 "\r\n",
            counted.connections, kv_task_limits(&task->base)->max_connections);
    if (add_section(&info, task, "Memory"))
        add(&info,
            "used_memory:%" PRIu64 "\r\nmaxmemory:%" PRIu64 "\r\nmaxmemory_policy:noeviction\r\n",
            counted.memory, kv_task_kv_limits(&task->base)->max_memory);
    if (add_section(&info, task, "Stats"))
        add(&info,
            "total_connections_received:%" PRIu64 "\r\ntotal_commands_processed:%" PRIu64
            "\r\ntotal_net_input_bytes:%" PRIu64 "\r\ntotal_net_output_bytes:%" PRIu64
            "\r\nrejected_connections:%" PRIu64 "\r\n",
            counted.accepted, counted.frames, counted.received, counted.sent, counted.turned_away);
    if (add_section(&info, task, "Persistence"))
        add(&info, "loading:0\r\n");
    if (add_section(&info, task, "Replication"))
        add(&info, "role:master\r\nconnected_slaves:0\r\n");
    if (add_section(&info, task, "Cluster"))
        add(&info, "cluster_enabled:0\r\n");
    if (add_section(&info, task, "Keyspace") && task->integer > 0)
        add(&info, "db0:keys=%" PRId64 "\r\n", task->integer);
    return resp_bulk(task, weft_view(info.text, info.size));
}

bool resp_begin_info(struct resp_task *task)
{
    task->integer = 0;
    if (resp_knows_hashes(task) && wants(task, "Keyspace"))
        return resp_begin_counting(task, tell_info);
    (void)tell_info(task);
    return resp_answer(task);
}
