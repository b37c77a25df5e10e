/* SPDX-License-Identifier: MIT
 *
 * A kvs with an endpoint of each kind for all tests of a program, and runs of kvc bench against it.
 * Main thread only. */
#ifndef TEST_BENCH_FIXTURE_H
#define TEST_BENCH_FIXTURE_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/kvs.h"

extern struct kvs server; /* its first two endpoints are TCP, of the default codec and of raw */
extern char gzip_socket[128], raw_socket[128]; /* URLs of the others */
extern struct process kvc;                     /* the last run, until the test's end */
extern json_t *json;                           /* the last that run_json has read, the same */

int bench_start_server(void **state);
int bench_stop_server(void **state);
int bench_end(void **state);
#define BENCH_TEST(name) cmocka_unit_test_teardown(name, bench_end)

/* Runs `kvc bench --warmup 0 WORDS...`; its exit code. */
int run(const char *url, const char *const *words);

/* The exit code is `code`, what it prints and what it says hold `out` and `err`. */
void expect(const char *url, const char *const *words, int code, const char *out, const char *err);

/* The exit code is `code`, and it prints JSON: --json is one of the words. */
void run_json(const char *url, int code, const char *const *words);

/* Out of the JSON: a member, one of a command, and those of a way ("sent", "received"). */
json_int_t count(const char *name);
json_int_t command_count(const char *command, const char *name);
double ratio(const char *way);
json_int_t bytes(const char *way, const char *name);

/* All was answered, and rightly; the sums are those of the parts. */
void assert_whole(json_int_t requests);

#endif
