/* SPDX-License-Identifier: MIT */
#include "redis_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scratch.h"

enum { PAUSE_MS = 10, ASKS = PROCESS_DEADLINE_MS / PAUSE_MS, STARTS = 20 };

/* Another may take the port before the server does, which then ends. */
int redis_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void forget_connection(struct redis_server *server)
{
    if (server->asked)
        redisFree(server->asked);
    server->asked = NULL;
}

/* Returns what follows an option, or NULL. */
static const char *option_of(const struct redis_server *server, const char *name)
{
    for (size_t i = 0; server->options[i]; i++)
        if (strcmp(server->options[i], name) == 0)
            return server->options[i + 1];
    return NULL;
}

static bool connect_to(struct redis_server *server)
{
    const struct timeval patience = {.tv_sec = PROCESS_DEADLINE_MS / 1000};

    if (server->asked && !server->asked->err)
        return true;
    forget_connection(server);
    server->asked = redisConnectWithTimeout("127.0.0.1", server->port, patience);
    if (!server->asked || server->asked->err)
        return false;
    assert_int_equal(redisSetTimeout(server->asked, patience), REDIS_OK);
    const char *password = option_of(server, "--requirepass");
    redisReply *reply = password ? redisCommand(server->asked, "AUTH %s", password) : NULL;
    if (reply)
        freeReplyObject(reply);
    return !server->asked->err;
}

static redisReply *try_command(struct redis_server *server, const char *format, va_list args)
{
    return connect_to(server) ? redisvCommand(server->asked, format, args) : NULL;
}

redisReply *redis_try(struct redis_server *server, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = try_command(server, format, args);
    va_end(args);
    return reply;
}

/* Fails the test unless the reply is a good one. */
static redisReply *expect(const struct redis_server *server, redisReply *reply, const char *format)
{
    if (!reply)
        fail_msg("port %d: no answer to '%s': %s", server->port, format,
                 server->asked ? server->asked->errstr : "no connection");
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("port %d: '%s' to '%s'", server->port, reply->str, format);
    return reply;
}

redisReply *redis_ask(struct redis_server *server, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = try_command(server, format, args);
    va_end(args);
    return expect(server, reply, format);
}

void redis_tell(struct redis_server *server, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = try_command(server, format, args);
    va_end(args);
    freeReplyObject(expect(server, reply, format));
}

static bool says(struct redis_server *server, const char *command, const char *text)
{
    redisReply *reply = redis_try(server, command, NULL);
    bool holds = reply && reply->str && strstr(reply->str, text);

    if (reply)
        freeReplyObject(reply);
    return holds;
}

void redis_wait_for(struct redis_server *server, const char *command, const char *text)
{
    for (int i = 0; i < ASKS; i++) {
        if (says(server, command, text))
            return;
        (void)poll(NULL, 0, PAUSE_MS);
    }
    fail_msg("port %d: '%s' never said '%s'", server->port, command, text);
}

/* True if the process has ended; it is still to be waited for. */
static bool has_ended(const struct redis_server *server)
{
    siginfo_t info = {.si_pid = 0};

    return waitid(P_PID, (id_t)server->process.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
}

static void add(const char **words, size_t *count, const char *word)
{
    assert_true(*count < PROCESS_WORDS_MAX - 1);
    words[(*count)++] = word;
}

/* Starts the process. False: it ended, as it does if its port was taken meanwhile. */
static bool run(struct redis_server *server)
{
    char port[16], bus[16];
    const char *words[PROCESS_WORDS_MAX] = {REDIS_SERVER_PATH,
                                            "--port",
                                            port,
                                            "--bind",
                                            "127.0.0.1",
                                            "--dir",
                                            server->folder,
                                            "--logfile",
                                            "log",
                                            "--daemonize",
                                            "no",
                                            "--save",
                                            "",
                                            "--appendonly",
                                            "no",
                                            "--protected-mode",
                                            "no",
                                            "--repl-diskless-sync-delay",
                                            "0"};
    size_t count = 0;

    while (words[count])
        count++;
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(bus, sizeof bus, "%d", server->bus_port);
    if (server->bus_port) {
        static const char *const cluster[] = {"--cluster-enabled", "yes", "--cluster-port"};
        for (size_t i = 0; i < sizeof cluster / sizeof *cluster; i++)
            add(words, &count, cluster[i]);
        add(words, &count, bus);
    }
    for (size_t i = 0; server->options[i]; i++)
        add(words, &count, server->options[i]);
    words[count] = NULL;
    process_start(&server->process, words);
    for (int i = 0; i < ASKS && !has_ended(server); i++) {
        if (says(server, "PING", "PONG"))
            return true;
        (void)poll(NULL, 0, PAUSE_MS);
    }
    process_kill(&server->process);
    return false;
}

/* Starts it on free ports. */
static void start(struct redis_server *server, bool clustered)
{
    scratch_make(server->folder, sizeof server->folder);
    for (int i = 0; i < STARTS; i++) {
        server->port = redis_free_port();
        server->bus_port = clustered ? redis_free_port() : 0;
        if (run(server))
            return;
    }
    fail_msg("redis-server does not start: see %s/log", server->folder);
}

static void copy_options(const char **to, const char *const *options)
{
    size_t i = 0;
    for (; options && options[i]; i++) {
        assert_true(i < REDIS_SERVER_OPTIONS_MAX - 1);
        to[i] = options[i];
    }
    to[i] = NULL;
}

void redis_server_start(struct redis_server *server, const char *const *options)
{
    copy_options(server->options, options);
    start(server, false);
}

void redis_server_restart(struct redis_server *server)
{
    forget_connection(server);
    process_kill(&server->process);
    /* Its port is of the system's range for connections, so one of them may have it for a while. */
    for (int i = 0; i < STARTS; i++)
        if (run(server))
            return;
    fail_msg("redis-server does not start again: see %s/log", server->folder);
}

void redis_server_kill(struct redis_server *server)
{
    forget_connection(server);
    process_kill(&server->process);
}

void redis_server_stop(struct redis_server *server)
{
    redis_server_kill(server);
    if (server->folder[0])
        scratch_remove(server->folder);
    *server = (struct redis_server){0};
}

static void note_id(struct redis_server *server)
{
    redisReply *reply = redis_ask(server, "CLUSTER MYID");
    snprintf(server->id, sizeof server->id, "%s", reply->str);
    freeReplyObject(reply);
}

/* Every node meets the first one, which tells the others. */
static void meet(struct redis_nodes *nodes, size_t first)
{
    char known[64];

    for (size_t i = first; i < nodes->count; i++) {
        if (i > 0)
            redis_tell(&nodes->servers[i], "CLUSTER MEET 127.0.0.1 %d %d", nodes->servers[0].port,
                       nodes->servers[0].bus_port);
    }
    snprintf(known, sizeof known, "cluster_known_nodes:%zu\r", nodes->count);
    for (size_t i = 0; i < nodes->count; i++)
        redis_wait_for(&nodes->servers[i], "CLUSTER INFO", known);
}

static void share_slots(struct redis_nodes *nodes)
{
    enum { SLOTS = 16384 };
    for (size_t i = 0; i < nodes->masters; i++) {
        struct redis_server *server = &nodes->servers[i];
        redis_tell(server, "CLUSTER SET-CONFIG-EPOCH %d", (int)i + 1);
        redis_tell(server, "CLUSTER ADDSLOTSRANGE %d %d", (int)(SLOTS * i / nodes->masters),
                   (int)(SLOTS * (i + 1) / nodes->masters - 1));
    }
}

static void make_replicas(struct redis_nodes *nodes)
{
    size_t each = nodes->count / nodes->masters - 1;
    for (size_t i = nodes->masters; i < nodes->count; i++) {
        const struct redis_server *master = &nodes->servers[(i - nodes->masters) / each];
        redis_tell(&nodes->servers[i], "CLUSTER REPLICATE %s", master->id);
    }
    for (size_t i = nodes->masters; i < nodes->count; i++)
        redis_wait_for(&nodes->servers[i], "INFO replication", "master_link_status:up");
}

static struct redis_server *start_node(struct redis_nodes *nodes)
{
    assert_true(nodes->count < REDIS_SERVERS_MAX);
    struct redis_server *server = &nodes->servers[nodes->count++];
    copy_options(server->options, nodes->options);
    start(server, true);
    note_id(server);
    return server;
}

void redis_nodes_start(struct redis_nodes *nodes, size_t masters, size_t replicas,
                       const char *const *options)
{
    copy_options(nodes->options, options);
    nodes->masters = masters;
    for (size_t i = 0; i < masters * (1 + replicas); i++)
        start_node(nodes);
    share_slots(nodes);
    meet(nodes, 1);
    redis_nodes_wait(nodes);
    if (replicas > 0)
        make_replicas(nodes);
    redis_nodes_wait(nodes);
}

struct redis_server *redis_nodes_add(struct redis_nodes *nodes)
{
    struct redis_server *server = start_node(nodes);
    meet(nodes, nodes->count - 1);
    redis_nodes_wait(nodes);
    return server;
}

void redis_nodes_stop(struct redis_nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        redis_server_stop(&nodes->servers[i]);
    *nodes = (struct redis_nodes){0};
}

static bool runs(const struct redis_server *server)
{
    return server->process.pid > 0 && !has_ended(server);
}

/* Returns the line of CLUSTER NODES that begins with a node's id, or NULL. */
static const char *line_of(const char *nodes, const char *id)
{
    const char *line = nodes;
    while (line && strncmp(line, id, strlen(id)) != 0) {
        line = strchr(line, '\n');
        if (line)
            line++;
    }
    return line;
}

/* True if a node has a link to each other one that runs. It drops messages for others of those that it has none to. */
static bool has_links(const struct redis_nodes *nodes, struct redis_server *server)
{
    redisReply *reply = redis_try(server, "CLUSTER NODES");
    bool has = reply && reply->str;
    for (size_t i = 0; has && i < nodes->count; i++) {
        if (!runs(&nodes->servers[i]))
            continue;
        const char *line = line_of(reply->str, nodes->servers[i].id);
        const size_t size = line ? strcspn(line, "\n") : 0;
        has = line && memmem(line, size, " connected", 10) && !memmem(line, size, "handshake", 9);
    }
    if (reply)
        freeReplyObject(reply);
    return has;
}

static void wait_for_links(const struct redis_nodes *nodes, struct redis_server *server)
{
    for (int i = 0; i < ASKS; i++) {
        if (has_links(nodes, server))
            return;
        (void)poll(NULL, 0, PAUSE_MS);
    }
    fail_msg("port %d: it never had links to all nodes", server->port);
}

void redis_nodes_wait(struct redis_nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (runs(&nodes->servers[i])) {
            redis_wait_for(&nodes->servers[i], "CLUSTER INFO", "cluster_state:ok");
            redis_wait_for(&nodes->servers[i], "CLUSTER INFO", "cluster_slots_ok:16384");
            wait_for_links(nodes, &nodes->servers[i]);
        }
}

char *redis_nodes_where(const struct redis_nodes *nodes, char *dst, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        int n = snprintf(dst + used, size - used, "%s127.0.0.1:%d", i == 0 ? "//" : ",",
                         nodes->servers[i].port);
        assert_true(n > 0 && (size_t)n < size - used);
        used += (size_t)n;
    }
    return dst;
}

/* Moves the keys of a slot, some at a time. */
static void move_keys(struct redis_server *from, const struct redis_server *to, unsigned slot)
{
    for (;;) {
        redisReply *keys = redis_ask(from, "CLUSTER GETKEYSINSLOT %u 16", slot);
        size_t count = keys->elements;
        for (size_t i = 0; i < count; i++)
            redis_tell(from, "MIGRATE 127.0.0.1 %d %b 0 60000", to->port, keys->element[i]->str,
                       keys->element[i]->len);
        freeReplyObject(keys);
        if (count == 0)
            return;
    }
}

void redis_nodes_move(struct redis_nodes *nodes, struct redis_server *from, struct redis_server *to,
                      unsigned first, unsigned count)
{
    for (unsigned slot = first; slot < first + count; slot++) {
        redis_tell(to, "CLUSTER SETSLOT %u IMPORTING %s", slot, from->id);
        redis_tell(from, "CLUSTER SETSLOT %u MIGRATING %s", slot, to->id);
        move_keys(from, to, slot);
        redis_tell(to, "CLUSTER SETSLOT %u NODE %s", slot, to->id);
        redis_tell(from, "CLUSTER SETSLOT %u NODE %s", slot, to->id);
        for (size_t i = 0; i < nodes->count; i++) {
            /* The others hear of it by themselves, and replicas may not be told. */
            redisReply *reply =
                runs(&nodes->servers[i])
                    ? redis_try(&nodes->servers[i], "CLUSTER SETSLOT %u NODE %s", slot, to->id)
                    : NULL;
            if (reply)
                freeReplyObject(reply);
        }
    }
}

static struct redis_server *server_at(struct redis_nodes *nodes, long long port)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->servers[i].port == port)
            return &nodes->servers[i];
    return NULL;
}

struct redis_server *redis_nodes_of(struct redis_nodes *nodes, unsigned slot)
{
    struct redis_server *found = NULL;
    redisReply *map = NULL;

    for (size_t i = 0; i < nodes->count && !map; i++)
        if (runs(&nodes->servers[i]))
            map = redis_try(&nodes->servers[i], "CLUSTER SLOTS");
    assert_non_null(map);
    for (size_t i = 0; i < map->elements; i++) {
        redisReply **range = map->element[i]->element;
        if (range[0]->integer <= slot && slot <= range[1]->integer)
            found = server_at(nodes, range[2]->element[1]->integer);
    }
    freeReplyObject(map);
    return found;
}
