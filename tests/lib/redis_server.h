/* SPDX-License-Identifier: MIT
 *
 * Real redis-servers under test, alone or as a cluster, on free ports of 127.0.0.1. Their files are in folders of
 * their own, and they die with the test program. Like process.h: asserts, main thread only, and what is waited for is asked
 * for until it is so, for at most PROCESS_DEADLINE_MS. Compiled with REDIS_SERVER_PATH. */
#ifndef TEST_REDIS_SERVER_H
#define TEST_REDIS_SERVER_H

#include <hiredis/hiredis.h>

#include "process.h"

enum { REDIS_SERVERS_MAX = 12, REDIS_SERVER_OPTIONS_MAX = 40 };

struct redis_server {
    struct process process;
    int port, bus_port; /* bus_port: 0 unless it is a node of a cluster */
    char folder[64];    /* "" before the first start */
    char id[41];        /* of a node: what CLUSTER MYID says */
    const char *options[REDIS_SERVER_OPTIONS_MAX]; /* borrowed; ended by NULL */
    redisContext *asked; /* the connection of redis_ask; NULL: none is open */
};

/* Returns a port that nobody has at present, for an option of a server. */
int redis_free_port(void);

/* Starts one with further options, ended by NULL ("--requirepass", "secret"), which are borrowed until stop, and waits
 * until it serves. *server is zeroed. Its data are in memory alone, unless the options say otherwise. */
void redis_server_start(struct redis_server *server, const char *const *options);
/* Starts it again, after a stop or a kill, with its port, its folder and its options. */
void redis_server_restart(struct redis_server *server);
/* Kills it with SIGKILL; its folder stays. */
void redis_server_kill(struct redis_server *server);
/* Stops it and removes its folder. A zeroed one is fine. */
void redis_server_stop(struct redis_server *server);

/* Asks a server: the format is that of redisCommand. The reply is the caller's, for freeReplyObject. An error reply or
 * no reply fails the test; redis_try returns an error reply as it is, and NULL if there is no connection. */
redisReply *redis_ask(struct redis_server *server, const char *format, ...);
redisReply *redis_try(struct redis_server *server, const char *format, ...);
/* Asks, and drops the reply. */
void redis_tell(struct redis_server *server, const char *format, ...);
/* Asks until the reply, a text, holds `text`. */
void redis_wait_for(struct redis_server *server, const char *command, const char *text);

/* A cluster: the masters come first and have equal shares of the slots; behind them come the replicas, of the first
 * master first. */
struct redis_nodes {
    struct redis_server servers[REDIS_SERVERS_MAX];
    size_t count, masters;
    const char *options[REDIS_SERVER_OPTIONS_MAX];
};

/* Starts `masters` masters with `replicas` replicas each, and waits until all say that the cluster is whole and every
 * replica is in step with its master. *nodes is zeroed. Further options are as above. */
void redis_nodes_start(struct redis_nodes *nodes, size_t masters, size_t replicas,
                       const char *const *options);
/* Starts one more, which the others know as a master without slots. */
struct redis_server *redis_nodes_add(struct redis_nodes *nodes);
/* Stops all and removes their folders. A zeroed one is fine, and so is what a failed assertion left behind. */
void redis_nodes_stop(struct redis_nodes *nodes);
/* Waits until every node that runs says that the cluster is whole, and has links to all others that run. */
void redis_nodes_wait(struct redis_nodes *nodes);
/* Returns dst, filled with "//127.0.0.1:PORT,127.0.0.1:PORT...", as a store has it behind its name. */
char *redis_nodes_where(const struct redis_nodes *nodes, char *dst, size_t size);

/* Moves `count` slots from `first` on from one master to another, with their keys, while others use them. */
void redis_nodes_move(struct redis_nodes *nodes, struct redis_server *from, struct redis_server *to,
                      unsigned first, unsigned count);
/* Returns the server that serves a slot, as the first node that answers sees it; NULL: none does. */
struct redis_server *redis_nodes_of(struct redis_nodes *nodes, unsigned slot);

#endif
