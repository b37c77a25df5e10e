/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "clients.h"
#include "core/peer.h"
#include "server.h"
#include "text.h"
#include "topics.h"

/* A pong that a client of RESP2 cannot take for a message. */
static void put_pong(struct resp_text *text, struct resp_task *task)
{
    resp_text_array(text, 2);
    resp_text_bulk(text, "pong");
    resp_text_bulk_view(text, task->count == 2 ? task->args[1] : weft_view(NULL, 0));
}

bool resp_begin_ping(struct resp_task *task)
{
    if (task->count > 2)
        (void)resp_wrong_arity(task, "ping");
    else if (resp_topics_restrict(resp_conn_of(task)))
        return resp_text_answer(task, put_pong);
    else if (task->count == 2)
        (void)resp_bulk(task, task->args[1]);
    else
        (void)resp_status(task, "PONG");
    return resp_answer(task);
}

bool resp_begin_echo(struct resp_task *task)
{
    (void)resp_bulk(task, task->args[1]);
    return resp_answer(task);
}

bool resp_begin_quit(struct resp_task *task)
{
    (void)resp_status(task, "OK"); /* the codec closes behind it */
    return resp_answer(task);
}

static int set_label(struct resp_task *task, struct weft_view label)
{
    struct weft_peer *peer = weft_request_peer(task->base.request);
    return peer ? weft_peer_set_label(peer, label) : -ENOMEM;
}

bool resp_begin_reset(struct resp_task *task)
{
    struct weft_peer *peer = weft_request_peer(task->base.request);
    resp_topics_end(resp_conn_of(task));
    resp_conn_of(task)->protocol = 2;
    if (peer)
        (void)!weft_peer_set_user(peer, weft_view(NULL, 0)); /* to set none needs no memory */
    if (set_label(task, weft_view(NULL, 0)) < 0)
        (void)resp_no_memory(task);
    else
        (void)resp_status(task, "RESET");
    return resp_answer(task);
}

bool resp_begin_select(struct resp_task *task)
{
    int64_t number;
    if (!resp_parse_integer(task->args[1], &number))
        (void)resp_error(task, "ERR value is not an integer or out of range");
    else if (number > INT32_MAX || number < INT32_MIN)
        (void)resp_error(task, "ERR value is out of range, value must between -2147483648 and "
                               "2147483647");
    else if (number != 0)
        (void)resp_error(task, "ERR DB index is out of range");
    else
        (void)resp_status(task, "OK");
    return resp_answer(task);
}

/* --- AUTH and HELLO -------------------------------------------------------------------------------- */

/* Returns true if the layers take the secret. If not, the reply says why, unless they wait. */
static bool authenticate(struct resp_task *task, struct weft_view user, struct weft_view secret)
{
    int known = kv_task_login(&task->base, user, secret);
    if (known == 1)
        return true;
    task->waits = known == -EINPROGRESS;
    if (task->waits)
        return false;
    if (known == -ENOMEM)
        return resp_no_memory(task);
    if (known == -EBUSY)
        return resp_error(task, "ERR too many logins at once, try again later");
    if (known == 0)
        return resp_error(task, "WRONGPASS invalid username-password pair or user is disabled.");
    return resp_error(
        task, "ERR AUTH <password> called without any password configured for the default user. "
              "Are you sure your configuration is correct?");
}

bool resp_begin_auth(struct resp_task *task)
{
    bool has_user = task->count == 3;
    if (task->count > 3)
        (void)resp_syntax_error(task);
    else if (authenticate(task, has_user ? task->args[1] : weft_view_str("default"),
                          task->args[1 + has_user]))
        (void)resp_status(task, "OK");
    return !task->waits && resp_answer(task);
}

static bool is_name(struct weft_view name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] < '!' || name.data[i] > '~')
            return false;
    return true;
}

static bool set_name(struct resp_task *task, struct weft_view name)
{
    if (!is_name(name))
        return resp_error(
            task, "ERR Client names cannot contain spaces, newlines or special characters.");
    return set_label(task, name) == 0 || resp_no_memory(task);
}

static void put_hello(struct resp_text *text, struct resp_task *task)
{
    resp_text_map(text, 7);
    resp_text_bulk(text, "server");
    resp_text_bulk(text, "redis");
    resp_text_bulk(text, "version");
    resp_text_bulk(text, RESP_REDIS_VERSION);
    resp_text_bulk(text, "proto");
    resp_text_integer(text, text->is_3 ? 3 : 2);
    resp_text_bulk(text, "id");
    resp_text_integer(text, (int64_t)weft_request_connection(task->base.request));
    resp_text_bulk(text, "mode");
    resp_text_bulk(text, "standalone");
    resp_text_bulk(text, "role");
    resp_text_bulk(text, "master");
    resp_text_bulk(text, "modules");
    resp_text_array(text, 0);
}

/* Reads the options of HELLO. False: the reply says what is wrong. */
static bool take_hello_options(struct resp_task *task)
{
    struct weft_view name = {NULL, 0};
    for (size_t at = 2; at < task->count;) {
        size_t left = task->count - at - 1;
        if (resp_is_word(task->args[at], "AUTH") && left >= 2) {
            if (!authenticate(task, task->args[at + 1], task->args[at + 2]))
                return false;
            at += 3;
        } else if (resp_is_word(task->args[at], "SETNAME") && left >= 1) {
            name = task->args[at + 1];
            at += 2;
        } else {
            return resp_error_format(task, "ERR Syntax error in HELLO option '%.*s'",
                                     RESP_SHOWN(task->args[at]));
        }
    }
    return !name.data || set_name(task, name);
}

bool resp_begin_hello(struct resp_task *task)
{
    int64_t version = 0;
    if (task->count >= 2) {
        if (!resp_parse_integer(task->args[1], &version))
            (void)resp_error(task, "ERR Protocol version is not an integer or out of range");
        else if (version < 2 || version > 3)
            (void)resp_error(task, "NOPROTO unsupported protocol version");
        if (task->form == RESP_FORM_ERROR || !take_hello_options(task))
            return !task->waits && resp_answer(task);
        resp_conn_of(task)->protocol = (uint8_t)version;
        resp_topics_set_protocol(resp_conn_of(task));
    }
    return resp_text_answer(task, put_hello);
}

/* --- CLIENT ---------------------------------------------------------------------------------------- */

static bool client_id(struct resp_task *task)
{
    return resp_integer(task, (int64_t)weft_request_connection(task->base.request));
}

static bool client_getname(struct resp_task *task)
{
    const struct weft_peer *peer = weft_request_peer(task->base.request);
    if (!peer)
        return resp_no_memory(task);
    return peer->label ? resp_bulk(task, weft_view_str(peer->label)) : resp_nil(task);
}

static bool client_setname(struct resp_task *task)
{
    return set_name(task, task->args[2]) && resp_status(task, "OK");
}

/* Drivers tell their name and version. Nobody asks for them. */
static bool client_setinfo(struct resp_task *task)
{
    if (!resp_is_word(task->args[2], "LIB-NAME") && !resp_is_word(task->args[2], "LIB-VER"))
        return resp_error_format(task, "ERR Unrecognized option '%.*s'", RESP_SHOWN(task->args[2]));
    return resp_status(task, "OK");
}

/* Replies are never left out. */
static bool client_reply(struct resp_task *task)
{
    if (resp_is_word(task->args[2], "ON"))
        return resp_status(task, "OK");
    return resp_syntax_error(task);
}

static bool client_on_or_off(struct resp_task *task)
{
    if (resp_is_word(task->args[2], "ON") || resp_is_word(task->args[2], "OFF"))
        return resp_status(task, "OK");
    return resp_syntax_error(task);
}

/* Sets the reply that `tell` makes, and answers. */
static bool answer(struct resp_task *task, bool (*tell)(struct resp_task *task))
{
    (void)tell(task);
    return resp_answer(task);
}

bool resp_begin_client(struct resp_task *task)
{
    static const struct {
        const char *name;
        size_t least, most;
        bool (*tell)(struct resp_task *task);  /* sets the reply; or NULL */
        bool (*begin)(struct resp_task *task); /* answers, at once or later */
    } subcommands[] = {
        {"id", 2, 2, client_id, NULL},
        {"getname", 2, 2, client_getname, NULL},
        {"setname", 3, 3, client_setname, NULL},
        {"setinfo", 4, 4, client_setinfo, NULL},
        {"info", 2, 2, NULL, resp_begin_client_info},
        {"list", 2, SIZE_MAX, NULL, resp_begin_client_list},
        {"kill", 3, SIZE_MAX, NULL, resp_begin_client_kill},
        {"reply", 3, 3, client_reply, NULL},
        {"no-evict", 3, 3, client_on_or_off, NULL},
    };
    char name[32];
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++) {
        if (!resp_is_word(task->args[1], subcommands[i].name))
            continue;
        if (task->count >= subcommands[i].least && task->count <= subcommands[i].most)
            return subcommands[i].tell ? answer(task, subcommands[i].tell)
                                       : subcommands[i].begin(task);
        (void)snprintf(name, sizeof name, "client|%s", subcommands[i].name);
        (void)resp_wrong_arity(task, name);
        return resp_answer(task);
    }
    (void)resp_error_format(task, "ERR unknown subcommand '%.*s'. Try CLIENT HELP.",
                            RESP_SHOWN(task->args[1]));
    return resp_answer(task);
}
