/* SPDX-License-Identifier: MIT
 *
 * Works: what is measured, once for both ways to measure it, nanoseconds (micro.c) and instructions
 * (budgets.py). What a work needs is made in begin, so that run is the thing itself. */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include "core/codec.h"

struct bench_work {
    char name[48]; /* "decode-raw-64", "hget-1024-depth-16" */
    const struct weft_codec *codec;
    size_t size;         /* of a payload, or of a value */
    size_t depth;        /* requests that arrive together */
    bool sets;           /* writes, not reads */
    const char *variant; /* the URL of another codec at the same address; NULL: none */
    const char *rules;   /* of the user that the client logs in as; NULL: the server has no users */
    bool measured;       /* the layer of metrics stands before the service */
    const char
        *command; /* of Redis, which the requests are; NULL: they are frames of the default codec */
    size_t counted_runs; /* operations when instructions are counted */
    void *(*begin)(const struct bench_work *work);
    /* So many operations, or a few more up to a whole batch; how many. */
    size_t (*run)(void *state, size_t operations);
    void (*end)(void *state);
};

enum { BENCH_WORKS_MAX = 64 };

/* Each adds its works behind the first count; the new count. */
size_t bench_codec_works(struct bench_work *works, size_t count);
size_t bench_store_works(struct bench_work *works, size_t count);
size_t bench_kv_works(struct bench_work *works, size_t count);
size_t bench_resp_works(struct bench_work *works, size_t count);
size_t bench_rpc_works(struct bench_work *works, size_t count);

/* Ends the program with a line where something that a measurement needs does not work. */
void bench_need(bool good, const char *what);

/* malloc and calloc of the C library, so that weft_malloc counts only what is measured. */
void *bench_zeroed(size_t size);

/* Lines of JSON as a log or an export has them: they deflate to about a fifth. */
void bench_fill_text(uint8_t *dst, size_t size);

#endif
