/* SPDX-License-Identifier: MIT
 *
 * Answers of HSCAN, from which pages are made: those of a table (walk.c) and those of a list of tables (list.c). */
#ifndef KV_REDIS_SCAN_H
#define KV_REDIS_SCAN_H

#include "cursors.h"
#include "job.h"

enum {
    KV_REDIS_SCAN_BUCKETS = 64, /* the most that one round asks */
    /* The COUNT of HSCAN for pages that are exact. It is fixed, so that an answer comes again as it was. */
    KV_REDIS_SCAN_EXACT = 64,
    KV_REDIS_SCAN_MOST = 1000, /* the highest COUNT for other pages */
    KV_REDIS_SCAN_ROUNDS = 64, /* after so many a page ends, full or not */
};

struct kv_redis_entry {
    uint64_t hash; /* of the key; for exact pages only */
    struct weft_view key, field;
};

/* One answer, as far as it belongs to the page. */
struct kv_redis_answer {
    struct kv_redis_place place; /* where it began */
    uint64_t next;               /* where HSCAN goes on; 0: this was the bucket's end */
    uint64_t process;            /* of Redis, which gave the numbers */
    bool is_known;               /* place.partial, and `until` lies at or behind `next` */
    struct kv_redis_entry *entries;
    size_t count;
};

/* The page that a job makes. */
struct kv_redis_page {
    struct kv_redis_walk walk;
    struct kv_redis_place place; /* where the next answer begins */
    bool is_proven; /* the place is not that of the client's cursor any more, or that was proven */
    struct weft_view pattern; /* of the keys that are wanted; empty: all */
    size_t shown;
    unsigned rounds;
    size_t ended, ended_pairs; /* buckets that came to their end, and the pairs of these */
    char scan_text[24], count_text[24];
};

/* Begins a page where the op's cursor says. Returns KV_DONE, or KV_EXPIRED. `page` is the caller's memory. */
enum kv_outcome kv_redis_page_begin(struct kv_redis_job *job, struct kv_redis_page *page,
                                    const struct kv_redis_walk *walk);
/* Makes a part with HSCAN for each of the next buckets, whose keys are to be set for a list. False: no memory. */
WEFT_MUST_USE bool kv_redis_page_ask(struct kv_redis_job *job, struct kv_redis_page *page);
/* Reads the answer of a part, in the order of the parts, and moves the page's place behind it. *answer refers to the
 * part's reply. Returns KV_DONE, KV_EXPIRED, or the outcome of a call that failed. */
enum kv_outcome kv_redis_page_read(struct kv_redis_part *part, struct kv_redis_page *page,
                                   struct kv_redis_answer *answer);
/* True if the page has nothing behind its place. */
static inline bool kv_redis_page_is_last(const struct kv_redis_page *page)
{
    return page->place.bucket == page->walk.buckets;
}
/* Each ends the job with a cursor: at the page's place, the process being that of the answer before it; or at entry i
 * of an answer, for exact pages. */
void kv_redis_page_end(struct kv_redis_job *job, const struct kv_redis_page *page,
                       uint64_t process);
void kv_redis_page_end_at(struct kv_redis_job *job, const struct kv_redis_page *page,
                          const struct kv_redis_answer *answer, size_t i);

#endif
