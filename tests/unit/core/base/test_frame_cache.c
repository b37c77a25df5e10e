/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/frame_cache.h"
#include "lib/fault.h"

enum { PLENTY = 1 << 20, ID = 7, OTHER_ID = 8 };

static struct weft_frame_cache *pool_of(size_t budget)
{
    struct weft_frame_cache *pool = weft_frame_cache_new(budget);
    assert_non_null(pool);
    return pool;
}

static struct weft_blob *blob_of(size_t size)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(size, &data);
    assert_non_null(blob);
    memset(data, 'b', size);
    return blob;
}

/* A blob with a kept frame of `size` bytes. */
static struct weft_blob *kept_blob(struct weft_frame_cache *pool, size_t size)
{
    struct weft_blob *blob = blob_of(1), *frame = blob_of(size);
    weft_frame_cache_put(pool, blob, ID, frame);
    weft_blob_unref(frame);
    return blob;
}

static enum weft_frame_found find(struct weft_frame_cache *pool, struct weft_blob *blob,
                                  uint32_t config_id)
{
    struct weft_blob *frame = NULL;
    enum weft_frame_found found = weft_frame_cache_get(pool, blob, config_id, &frame);
    assert_int_equal(frame != NULL, found == WEFT_FRAME_HIT);
    weft_blob_unref(frame);
    return found;
}

/* Returns the cost of one frame of `size` bytes. */
static size_t cost_of(size_t size)
{
    struct weft_frame_cache *pool = pool_of(PLENTY);
    struct weft_blob *blob = kept_blob(pool, size);
    size_t cost = weft_frame_cache_bytes(pool);
    weft_blob_unref(blob);
    weft_frame_cache_free(pool);
    return cost;
}

static void test_frame_that_was_put_is_found(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(PLENTY);
    struct weft_blob *blob = blob_of(1), *frame = blob_of(100), *found = NULL;
    assert_int_equal(find(pool, blob, ID), WEFT_FRAME_MISS);
    weft_frame_cache_put(pool, blob, ID, frame);
    assert_int_equal(weft_frame_cache_get(pool, blob, ID, &found), WEFT_FRAME_HIT);
    assert_ptr_equal(found, frame);
    weft_blob_unref(found);
    weft_blob_unref(frame);
    weft_blob_unref(blob);
    weft_frame_cache_free(pool);
}

static void test_mark_plain_is_found(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(PLENTY);
    struct weft_blob *blob = blob_of(1);
    weft_frame_cache_put(pool, blob, ID, NULL);
    assert_int_equal(find(pool, blob, ID), WEFT_FRAME_PLAIN);
    weft_blob_unref(blob);
    weft_frame_cache_free(pool);
}

static void test_other_blobs_and_configurations_miss(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(PLENTY);
    struct weft_blob *blob = kept_blob(pool, 100), *other = kept_blob(pool, 100),
                     *none = blob_of(1);
    assert_int_equal(find(pool, blob, OTHER_ID), WEFT_FRAME_MISS);
    assert_int_equal(find(pool, none, ID), WEFT_FRAME_MISS);
    weft_blob_unref(blob);
    assert_int_equal(find(pool, other, ID), WEFT_FRAME_HIT);
    weft_blob_unref(other);
    weft_blob_unref(none);
    weft_frame_cache_free(pool);
}

static void test_first_frame_stays_whoever_comes_second(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(PLENTY);
    struct weft_blob *blob = blob_of(1), *first = blob_of(100), *second = blob_of(50),
                     *found = NULL;
    weft_frame_cache_put(pool, blob, ID, first);
    size_t bytes = weft_frame_cache_bytes(pool);
    weft_frame_cache_put(pool, blob, ID, second);
    weft_frame_cache_put(pool, blob, ID, NULL);
    assert_int_equal(weft_frame_cache_bytes(pool), bytes);
    assert_int_equal(find(pool, blob, OTHER_ID), WEFT_FRAME_MISS);
    assert_int_equal(weft_frame_cache_get(pool, blob, ID, &found), WEFT_FRAME_HIT);
    assert_ptr_equal(found, first);
    weft_blob_unref(found);
    weft_blob_unref(first);
    weft_blob_unref(second);
    weft_blob_unref(blob);
    weft_frame_cache_free(pool);
}

static void test_blob_has_a_frame_of_each_of_four_configurations(void **state)
{
    (void)state;
    enum { MOST = 4 };
    struct weft_frame_cache *pool = pool_of(PLENTY);
    struct weft_blob *blob = blob_of(1), *frames[MOST + 1], *found = NULL;
    size_t live = fault_live();
    for (uint32_t i = 0; i <= MOST; i++) {
        frames[i] = blob_of(100 + i);
        weft_frame_cache_put(pool, blob, ID + i, frames[i]);
    }
    for (uint32_t i = 0; i < MOST; i++) {
        assert_int_equal(weft_frame_cache_get(pool, blob, ID + i, &found), WEFT_FRAME_HIT);
        assert_ptr_equal(found, frames[i]);
        weft_blob_unref(found);
    }
    assert_int_equal(find(pool, blob, ID + MOST), WEFT_FRAME_MISS);
    for (size_t i = 0; i <= MOST; i++)
        weft_blob_unref(frames[i]);
    weft_blob_unref(blob);
    assert_int_equal(weft_frame_cache_bytes(pool), 0);
    assert_true(fault_live() < live);
    weft_frame_cache_free(pool);
}

static void test_frames_of_a_blob_are_evicted_one_by_one(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(16 * cost_of(1000));
    struct weft_blob *blob = blob_of(1), *frame = blob_of(1000), *others[16];
    for (uint32_t i = 0; i < 3; i++)
        weft_frame_cache_put(pool, blob, ID + i, frame);
    for (size_t i = 0; i < 14; i++)
        others[i] = kept_blob(pool, 1000);
    assert_int_equal(find(pool, blob, ID), WEFT_FRAME_MISS);
    assert_int_equal(find(pool, blob, ID + 1), WEFT_FRAME_HIT);
    assert_int_equal(find(pool, blob, ID + 2), WEFT_FRAME_HIT);
    others[14] = kept_blob(pool, 1000);
    assert_int_equal(find(pool, blob, ID + 1), WEFT_FRAME_MISS);
    assert_int_equal(find(pool, blob, ID + 2), WEFT_FRAME_HIT);
    for (size_t i = 0; i < 15; i++)
        weft_blob_unref(others[i]);
    weft_blob_unref(frame);
    weft_blob_unref(blob);
    assert_int_equal(weft_frame_cache_bytes(pool), 0);
    weft_frame_cache_free(pool);
}

static void test_frame_goes_with_its_blob(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(PLENTY);
    size_t live = fault_live();
    struct weft_blob *blob = kept_blob(pool, 1000), *plain = blob_of(1);
    weft_frame_cache_put(pool, plain, ID, NULL);
    weft_blob_unref(weft_blob_ref(blob));
    assert_true(weft_frame_cache_bytes(pool) > 1000);
    weft_blob_unref(blob);
    weft_blob_unref(plain);
    assert_int_equal(weft_frame_cache_bytes(pool), 0);
    assert_int_equal(fault_live(), live);
    weft_frame_cache_free(pool);
}

static void test_found_frame_outlives_blob_and_pool(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(PLENTY);
    struct weft_blob *blob = kept_blob(pool, 5), *found = NULL;
    assert_int_equal(weft_frame_cache_get(pool, blob, ID, &found), WEFT_FRAME_HIT);
    weft_blob_unref(blob);
    weft_frame_cache_free(pool);
    assert_true(weft_view_equal(weft_blob_view(found), weft_view_str("bbbbb")));
    weft_blob_unref(found);
    assert_int_equal(fault_live(), 0);
}

static void test_blobs_outlive_the_pool(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(PLENTY);
    struct weft_blob *blob = kept_blob(pool, 100), *none = blob_of(1);
    weft_frame_cache_free(pool);
    weft_blob_unref(blob);
    weft_blob_unref(none);
    assert_int_equal(fault_live(), 0);
}

/* Enough blobs that every stripe has some. */
enum { MANY = 200, EACH = 1000 };

static void test_oldest_goes_first_when_the_budget_is_spent(void **state)
{
    (void)state;
    size_t budget = MANY / 2 * cost_of(EACH);
    struct weft_frame_cache *pool = pool_of(budget);
    struct weft_blob *blobs[MANY];
    for (size_t i = 0; i < MANY; i++) {
        blobs[i] = kept_blob(pool, EACH);
        assert_true(weft_frame_cache_bytes(pool) <= budget);
        for (size_t k = 0; k <= i; k++)
            assert_int_equal(find(pool, blobs[k], ID),
                             k + MANY / 2 > i ? WEFT_FRAME_HIT : WEFT_FRAME_MISS);
    }
    for (size_t i = 0; i < MANY; i++)
        weft_blob_unref(blobs[i]);
    assert_int_equal(weft_frame_cache_bytes(pool), 0);
    weft_frame_cache_free(pool);
}

static void test_evicted_blob_can_be_kept_again_by_any_configuration(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(8 * cost_of(EACH));
    struct weft_blob *blobs[9], *frame = blob_of(EACH);
    for (size_t i = 0; i < 9; i++)
        blobs[i] = kept_blob(pool, EACH);
    assert_int_equal(find(pool, blobs[0], ID), WEFT_FRAME_MISS);
    weft_frame_cache_put(pool, blobs[0], OTHER_ID, frame);
    assert_int_equal(find(pool, blobs[0], OTHER_ID), WEFT_FRAME_HIT);
    assert_int_equal(find(pool, blobs[1], ID), WEFT_FRAME_MISS);
    weft_blob_unref(frame);
    for (size_t i = 0; i < 9; i++)
        weft_blob_unref(blobs[i]);
    weft_frame_cache_free(pool);
}

/* Taken out of the middle, the end and the beginning of their lists. */
static void test_order_holds_where_blobs_end_in_between(void **state)
{
    (void)state;
    struct weft_frame_cache *pool = pool_of(MANY * cost_of(EACH));
    struct weft_blob *blobs[MANY], *more[MANY];
    for (size_t i = 0; i < MANY; i++)
        blobs[i] = kept_blob(pool, EACH);
    for (size_t i = 0; i < MANY; i += 2)
        weft_blob_unref(blobs[i]);
    for (size_t i = 0; i < MANY; i++)
        more[i] = kept_blob(pool, EACH);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(find(pool, more[i], ID), WEFT_FRAME_HIT);
        weft_blob_unref(more[i]);
        if (i % 2 == 0)
            continue;
        assert_int_equal(find(pool, blobs[i], ID), WEFT_FRAME_MISS);
        weft_blob_unref(blobs[i]);
    }
    weft_frame_cache_free(pool);
}

static void test_frame_over_an_eighth_of_the_budget_is_not_kept(void **state)
{
    (void)state;
    size_t cost = cost_of(EACH);
    for (size_t less = 0; less < 2; less++) {
        struct weft_frame_cache *pool = pool_of(8 * cost - less);
        struct weft_blob *blob = kept_blob(pool, EACH);
        assert_int_equal(find(pool, blob, ID), less ? WEFT_FRAME_MISS : WEFT_FRAME_HIT);
        weft_blob_unref(blob);
        weft_frame_cache_free(pool);
    }
}

static void test_no_pool_finds_and_keeps_nothing(void **state)
{
    (void)state;
    struct weft_blob *blob = kept_blob(NULL, 100);
    assert_int_equal(find(NULL, blob, ID), WEFT_FRAME_MISS);
    weft_blob_unref(blob);
    weft_frame_cache_free(NULL);
}

static void test_blob_belongs_to_the_pool_that_kept_it_first(void **state)
{
    (void)state;
    struct weft_frame_cache *first = pool_of(PLENTY), *second = pool_of(PLENTY);
    struct weft_blob *blob = kept_blob(first, 100);
    weft_frame_cache_put(second, blob, ID, NULL);
    assert_int_equal(find(second, blob, ID), WEFT_FRAME_MISS);
    assert_int_equal(weft_frame_cache_bytes(second), 0);
    weft_frame_cache_free(second);
    assert_int_equal(find(first, blob, ID), WEFT_FRAME_HIT);
    weft_frame_cache_free(first);
    weft_blob_unref(blob);
    assert_int_equal(fault_live(), 0);
}

static void keep_once(void *arg)
{
    (void)arg;
    uint8_t *data;
    struct weft_blob *frame = NULL;
    struct weft_frame_cache *pool = weft_frame_cache_new(PLENTY);
    struct weft_blob *blob = weft_blob_new(1, &data), *own = weft_blob_new(100, &data);
    if (blob && own) {
        size_t failed = fault_failed();
        weft_frame_cache_put(pool, blob, ID, own);
        bool kept = pool && fault_failed() == failed;
        assert_int_equal(weft_frame_cache_get(pool, blob, ID, &frame),
                         kept ? WEFT_FRAME_HIT : WEFT_FRAME_MISS);
        weft_blob_unref(frame);
    } else {
        assert_true(fault_failed() > 0);
    }
    weft_blob_unref(blob);
    weft_blob_unref(own);
    weft_frame_cache_free(pool);
}

static void test_without_memory_nothing_is_kept_and_nothing_lost(void **state)
{
    (void)state;
    fault_each(keep_once, NULL);
}

/* Threads find, keep, replace and evict frames of blobs that are shared by all and replaced by any,
 * as a store's values are, while the main thread's asserts wait for the end. */
enum { THREADS = 4, ROUNDS = 20000, PLACES = 64 };

struct shared {
    struct weft_frame_cache *pool;
    pthread_mutex_t lock; /* of places */
    struct weft_blob *places[PLACES];
    atomic_size_t wrong;
};

static struct weft_blob *new_blob(uint32_t value)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(sizeof value, &data);
    if (blob)
        memcpy(data, &value, sizeof value);
    return blob;
}

static uint32_t value_of(const struct weft_blob *blob)
{
    uint32_t value;
    memcpy(&value, weft_blob_view(blob).data, sizeof value);
    return value;
}

/* A frame has the bytes of its blob, so that a wrong one shows; odd values go plain. */
static void use(struct shared *shared, struct weft_blob *blob, uint32_t config_id)
{
    struct weft_blob *frame = NULL;
    uint32_t value = value_of(blob);
    switch (weft_frame_cache_get(shared->pool, blob, config_id, &frame)) {
    case WEFT_FRAME_HIT:
        if (value % 2 != 0 || value_of(frame) != value + config_id)
            atomic_fetch_add(&shared->wrong, 1);
        break;
    case WEFT_FRAME_PLAIN:
        if (value % 2 == 0)
            atomic_fetch_add(&shared->wrong, 1);
        break;
    case WEFT_FRAME_MISS:
        frame = value % 2 == 0 ? new_blob(value + config_id) : NULL;
        weft_frame_cache_put(shared->pool, blob, config_id, frame);
        break;
    }
    weft_blob_unref(frame);
}

struct user {
    struct shared *shared;
    uint32_t random;
};

static void *use_all(void *arg)
{
    struct user *user = arg;
    struct shared *shared = user->shared;
    for (int i = 0; i < ROUNDS; i++) {
        user->random = user->random * 1664525u + 1013904223u;
        uint32_t random = user->random >> 8;
        struct weft_blob *fresh = random % 8 == 0 ? new_blob(random) : NULL;
        struct weft_blob **place = &shared->places[random / 8 % PLACES];
        pthread_mutex_lock(&shared->lock);
        struct weft_blob *blob = fresh ? *place : weft_blob_ref(*place);
        if (fresh)
            *place = fresh;
        pthread_mutex_unlock(&shared->lock);
        use(shared, blob, random / 1024 % 4 == 0 ? OTHER_ID : ID);
        weft_blob_unref(blob);
    }
    return NULL;
}

static void run_users(struct shared *shared)
{
    struct user users[THREADS];
    pthread_t threads[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        users[i] = (struct user){shared, i};
        assert_int_equal(pthread_create(&threads[i], NULL, use_all, &users[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void use_from_threads(size_t budget)
{
    struct shared shared = {.pool = pool_of(budget), .lock = PTHREAD_MUTEX_INITIALIZER};
    for (uint32_t i = 0; i < PLACES; i++)
        shared.places[i] = new_blob(i);
    run_users(&shared);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_true(weft_frame_cache_bytes(shared.pool) <= budget);
    for (size_t i = 0; i < PLACES; i++)
        weft_blob_unref(shared.places[i]);
    assert_int_equal(weft_frame_cache_bytes(shared.pool), 0);
    weft_frame_cache_free(shared.pool);
    assert_int_equal(fault_live(), 0);
}

static void test_threads_share_frames(void **state)
{
    (void)state;
    use_from_threads(PLENTY);
}

static void test_threads_share_a_small_budget(void **state)
{
    (void)state;
    use_from_threads(PLACES / 4 * cost_of(sizeof(uint32_t)));
}

static void *unref_all(void *arg)
{
    struct weft_blob **blobs = arg;
    for (size_t i = 0; i < MANY; i++)
        weft_blob_unref(blobs[i]);
    return NULL;
}

static void test_pool_ends_while_its_blobs_end_on_another_thread(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct weft_frame_cache *pool = pool_of(PLENTY);
        struct weft_blob *blobs[MANY];
        pthread_t thread;
        for (size_t i = 0; i < MANY; i++)
            blobs[i] = kept_blob(pool, 1);
        assert_int_equal(pthread_create(&thread, NULL, unref_all, blobs), 0);
        weft_frame_cache_free(pool);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(fault_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(test_frame_that_was_put_is_found),
        FAULT_TEST(test_mark_plain_is_found),
        FAULT_TEST(test_other_blobs_and_configurations_miss),
        FAULT_TEST(test_first_frame_stays_whoever_comes_second),
        FAULT_TEST(test_blob_has_a_frame_of_each_of_four_configurations),
        FAULT_TEST(test_frames_of_a_blob_are_evicted_one_by_one),
        FAULT_TEST(test_frame_goes_with_its_blob),
        FAULT_TEST(test_found_frame_outlives_blob_and_pool),
        FAULT_TEST(test_blobs_outlive_the_pool),
        FAULT_TEST(test_oldest_goes_first_when_the_budget_is_spent),
        FAULT_TEST(test_evicted_blob_can_be_kept_again_by_any_configuration),
        FAULT_TEST(test_order_holds_where_blobs_end_in_between),
        FAULT_TEST(test_frame_over_an_eighth_of_the_budget_is_not_kept),
        FAULT_TEST(test_no_pool_finds_and_keeps_nothing),
        FAULT_TEST(test_blob_belongs_to_the_pool_that_kept_it_first),
        cmocka_unit_test(test_without_memory_nothing_is_kept_and_nothing_lost),
        FAULT_TEST(test_threads_share_frames),
        FAULT_TEST(test_threads_share_a_small_budget),
        FAULT_TEST(test_pool_ends_while_its_blobs_end_on_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
