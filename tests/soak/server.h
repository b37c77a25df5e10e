/* SPDX-License-Identifier: MIT
 *
 * The kvs that is being soaked: a child process, and what the kernel says of it. What cannot be done
 * here ends the program with a message; the child ends with the program. */
#ifndef SOAK_SERVER_H
#define SOAK_SERVER_H

#include <stdint.h>
#include <sys/types.h>

enum { SERVER_URLS_MAX = 10 };

struct server {
    pid_t pid;
    int log; /* its standard error: a file in memory, so that nobody has to read along */
    char urls[SERVER_URLS_MAX][128];
    unsigned url_count;
};

/* Starts KVS_PATH with options, ended by NULL, among them one --listen for each of url_count
 * endpoints, and waits until it listens. runner: NULL, or the words before it of a command that runs
 * it, such as valgrind's, ended by NULL. */
void server_start(struct server *server, const char *const *runner, unsigned url_count,
                  const char *const *options);

/* SIGTERM, and waits: the exit code, or 128 + the signal that ended it. The log stays. */
int server_stop(struct server *server);

/* The end of what it logged, as text; free(). */
char *server_log(const struct server *server);

/* Closes the log. */
void server_fini(struct server *server);

struct server_usage {
    uint64_t resident, highest; /* bytes of memory; the highest since the last reset */
    uint64_t cpu_ns;            /* user and system, of all its threads */
    unsigned descriptors;
};
struct server_usage server_usage(const struct server *server);
void server_reset_highest(const struct server *server);

#endif
