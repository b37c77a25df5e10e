/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <cmocka.h>

#include "lib/fault.h"
#include "services/kv/stores/journal/queue.h"

static void put(struct kv_queue *queue, uint64_t number, size_t size)
{
    struct kv_queued *record = kv_queue_stage(queue, size);
    assert_non_null(record);
    record->number = number;
    memset(record->bytes, (int)number, size);
}

static void expect(struct kv_queue *queue, uint64_t number, size_t size)
{
    const struct kv_queued *record = kv_queue_front(queue);
    assert_non_null(record);
    assert_int_equal(record->number, number);
    assert_int_equal(record->size, size);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(record->bytes[i], (uint8_t)number);
    kv_queue_take(queue);
}

static void test_record_is_seen_when_it_was_published(void **state)
{
    struct kv_queue queue;
    (void)state;
    assert_int_equal(kv_queue_init(&queue), 0);
    put(&queue, 1, 10);
    assert_null(kv_queue_front(&queue));
    put(&queue, 2, 0);
    kv_queue_publish(&queue);
    expect(&queue, 1, 10);
    expect(&queue, 2, 0);
    assert_null(kv_queue_front(&queue));
    kv_queue_fini(&queue);
}

/* A change with many records takes effect at once, so none of them may be seen before the others. */
static void test_records_that_fill_chunks_are_seen_together(void **state)
{
    struct kv_queue queue;
    (void)state;
    assert_int_equal(kv_queue_init(&queue), 0);
    for (uint64_t round = 0; round < 2; round++) {
        for (uint64_t i = 1; i <= 5; i++) {
            put(&queue, i, KV_QUEUE_CHUNK / 2 + 1);
            assert_null(kv_queue_front(&queue));
        }
        kv_queue_publish(&queue);
        for (uint64_t i = 1; i <= 5; i++)
            expect(&queue, i, KV_QUEUE_CHUNK / 2 + 1);
        assert_null(kv_queue_front(&queue));
    }
    put(&queue, 1, KV_QUEUE_CHUNK); /* nobody publishes this one, and nothing is lost by that */
    kv_queue_fini(&queue);
}

static void test_records_of_every_size_come_in_order(void **state)
{
    static const size_t sizes[] = {1, KV_QUEUE_CHUNK - 100, 40000, 7, KV_QUEUE_CHUNK, 1 << 20, 3};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    struct kv_queue queue;
    (void)state;
    assert_int_equal(kv_queue_init(&queue), 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNT; i++) {
            put(&queue, i, sizes[i]);
            kv_queue_publish(&queue);
        }
        for (unsigned i = 0; i < COUNT; i++)
            expect(&queue, i, sizes[i]);
        assert_null(kv_queue_front(&queue));
    }
    kv_queue_fini(&queue);
}

static void test_too_much_that_waits_is_refused(void **state)
{
    struct kv_queue queue;
    uint64_t put_count = 0;
    (void)state;
    assert_int_equal(kv_queue_init(&queue), 0);
    struct kv_queued *record;
    while ((record = kv_queue_stage(&queue, 1 << 20)) != NULL) {
        record->number = ++put_count;
        kv_queue_publish(&queue);
    }
    assert_in_range(put_count, KV_QUEUE_MOST / (1 << 20), KV_QUEUE_MOST / (1 << 20) + 1);
    assert_non_null(kv_queue_front(&queue));
    kv_queue_take(&queue);
    assert_non_null(kv_queue_stage(&queue, 1));
    kv_queue_fini(&queue);
}

static void fill(void *arg)
{
    struct kv_queue queue;
    (void)arg;
    if (kv_queue_init(&queue) < 0)
        return;
    for (int i = 0; i < 4; i++)
        if (kv_queue_stage(&queue, KV_QUEUE_CHUNK / 2 + 1))
            kv_queue_publish(&queue);
    while (kv_queue_front(&queue))
        kv_queue_take(&queue);
    kv_queue_fini(&queue);
}

static void test_queue_survives_every_failing_allocation(void **state)
{
    (void)state;
    fault_each(fill, NULL);
}

enum { CROSSING = 200000 };

static void *produce(void *arg)
{
    struct kv_queue *queue = arg;
    for (uint64_t i = 1; i <= CROSSING;) {
        struct kv_queued *record = kv_queue_stage(queue, i % 300);
        if (!record) {
            sched_yield();
            continue;
        }
        record->number = i++;
        if (i % 3 == 0 || i > CROSSING)
            kv_queue_publish(queue);
    }
    return NULL;
}

static void test_records_cross_threads_whole_and_in_order(void **state)
{
    struct kv_queue queue;
    pthread_t producer;
    (void)state;
    assert_int_equal(kv_queue_init(&queue), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, &queue), 0);
    uint64_t next = 1;
    bool in_order = true;
    while (next <= CROSSING) {
        const struct kv_queued *record = kv_queue_front(&queue);
        if (!record) {
            sched_yield();
            continue;
        }
        in_order = in_order && record->number == next && record->size == next % 300;
        next++;
        kv_queue_take(&queue);
    }
    pthread_join(producer, NULL);
    assert_true(in_order);
    kv_queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_is_seen_when_it_was_published),
        cmocka_unit_test(test_records_that_fill_chunks_are_seen_together),
        cmocka_unit_test(test_records_of_every_size_come_in_order),
        cmocka_unit_test(test_too_much_that_waits_is_refused),
        cmocka_unit_test(test_queue_survives_every_failing_allocation),
        cmocka_unit_test(test_records_cross_threads_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
