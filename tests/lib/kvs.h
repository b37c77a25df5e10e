/* SPDX-License-Identifier: MIT
 *
 * A real kvs under test, and real kvc's calls to it. Compiled with KVS_PATH and KVC_PATH. Like
 * process.h: asserts, main thread only. */
#ifndef TEST_KVS_H
#define TEST_KVS_H

#include "process.h"
#include "scratch.h"

enum { KVS_ENDPOINTS_MAX = 10 };

#define KVS_ANY_PORT "tcp://127.0.0.1:0"

struct kvs {
    struct process process;
    char endpoints[KVS_ENDPOINTS_MAX][256]; /* "tcp://127.0.0.1:43210 codec=raw service=kv" */
    char urls[KVS_ENDPOINTS_MAX][128];      /* the same up to the first space */
    size_t endpoint_count;
};

/* Starts kvs with `options`, ended by NULL, and waits for its `listening` lines: one for each
 * --listen, and one for a --config, whose file has to name one. One of them there must be. */
void kvs_start(struct kvs *kvs, const char *const *options);

/* SIGTERM, and the end: the exit code. */
int kvs_stop(struct kvs *kvs);

/* Drains it and frees everything. Its exit code must be 0. */
void kvs_end(struct kvs *kvs);

/* Fine whatever state it is in. */
void kvs_kill(struct kvs *kvs);

/* Runs `kvc --server URL --timeout 100 WORDS...` to its end (words may set another timeout, this one
 * lets no busy machine decide a test); returns its exit code. The texts stay in *kvc until
 * process_kill. */
int kvc_run(struct process *kvc, const char *url, const char *const *words);

/* Runs it: the exit code is 0, standard output is `out`, standard error is empty. */
void kvc_expect(const char *url, const char *const *words, const char *out);

/* Runs it: the exit code is `code`, standard output is empty, standard error is one line that holds
 * `fragment`. */
void kvc_expect_error(const char *url, const char *const *words, int code, const char *fragment);

/* The text is one line, ended, and holds the fragment. */
void assert_one_line(const char *text, const char *fragment);

/* Lists of words, written in place. */
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_WORDS   ((const char *const[]){NULL})

#endif
