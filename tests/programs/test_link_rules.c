/* SPDX-License-Identifier: MIT
 *
 * The table of docs/architecture.md, which says what each part may know, is held against the symbols that the
 * archives define and need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <fnmatch.h>

#include "archives.h"

/* Ended by NULL; a pattern is one of fnmatch(3). */
static const char *const libev[] = {"ev_*", NULL};
static const char *const gzip_engines[] = {"deflate*",     "inflate*",    "crc32*", "adler32*",
                                           "compress*",    "uncompress*", "gz*",    "zlib*",
                                           "libdeflate_*", "isal_*",      NULL};
static const char *const protobuf_c[] = {"protobuf_c_*", NULL};
static const char *const thread_starts[] = {"pthread_create", "thrd_create", NULL};
static const char *const threads[] = {"pthread_*", "thrd_*", "mtx_*", "cnd_*", "sem_*", NULL};
static const char *const clocks[] = {"clock*",    "gettimeofday", "time",  "timer*",
                                     "nanosleep", "usleep",       "sleep", NULL};
static const char *const sockets[] = {"socket*",     "bind",       "listen",     "accept*",
                                      "connect",     "send*",      "recv*",      "shutdown",
                                      "getaddrinfo", "getsockopt", "setsockopt", NULL};
static const char *const waits[] = {"poll", "ppoll", "select", "epoll_*", NULL};

/* The functions that core/service.h and core/task.h offer to services. weft_core defines them. */
static const char *const seam[] = {"weft_request_*",
                                   "weft_peer_*",
                                   "weft_connections_*",
                                   "weft_layer_*",
                                   "weft_loop_now",
                                   "weft_loop_post",
                                   "weft_loop_after",
                                   "weft_timer_stop",
                                   "weft_loop_add_hook",
                                   "weft_loop_remove_hook",
                                   "weft_loop_wall",
                                   "weft_endpoint_label",
                                   NULL};

static void test_files_of_an_archive_call_each_other_in_no_ring(void **state)
{
    (void)state;
    for (int i = 0; i < ARCHIVE_COUNT; i++)
        has_no_ring(i);
}

static void test_base_needs_libc_alone(void **state)
{
    (void)state;
    needs_nothing_above(BASE, 0, NULL);
    needs_none_of(BASE, libev);
    needs_none_of(BASE, gzip_engines);
    needs_none_of(BASE, protobuf_c);
    needs_none_of(BASE, sockets);
    needs_none_of(BASE, waits);
    needs_none_of(BASE, thread_starts); /* blobs and pools have mutexes, which are libc's too */
}

static void test_core_knows_no_plugin_and_none_of_their_libraries(void **state)
{
    (void)state;
    needs_nothing_above(CORE, 1u << BASE, NULL);
    needs_none_of(CORE, gzip_engines);
    needs_none_of(CORE, protobuf_c);
}

static void test_core_calls_no_socket(void **state)
{
    (void)state;
    needs_none_of(CORE, sockets);
}

static void test_transports_know_the_doors_of_core_alone(void **state)
{
    (void)state;
    needs_nothing_above(TRANSPORTS, 1u << BASE | 1u << CORE, NULL);
    needs_none_of(TRANSPORTS, libev);
    needs_none_of(TRANSPORTS, gzip_engines);
    needs_none_of(TRANSPORTS, protobuf_c);
    needs_none_of(TRANSPORTS, threads);
}

static void test_yamux_knows_a_loop_and_no_socket_or_thread(void **state)
{
    (void)state;
    needs_nothing_above(YAMUX, 1u << BASE | 1u << CORE, NULL);
    needs_none_of(YAMUX, libev);
    needs_none_of(YAMUX, gzip_engines);
    needs_none_of(YAMUX, protobuf_c);
    needs_none_of(YAMUX, sockets);
    needs_none_of(YAMUX, waits);
    needs_none_of(YAMUX, clocks);
    needs_none_of(YAMUX, threads);
}

static void test_filters_know_no_loop_socket_clock_or_thread(void **state)
{
    static const int filters[] = {WEBSOCKET, TLS};

    (void)state;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        needs_nothing_above(filters[i], 1u << BASE, NULL);
        needs_none_of(filters[i], libev);
        needs_none_of(filters[i], gzip_engines);
        needs_none_of(filters[i], protobuf_c);
        needs_none_of(filters[i], sockets);
        needs_none_of(filters[i], waits);
        needs_none_of(filters[i], clocks);
        needs_none_of(filters[i], threads);
    }
}

static void test_codecs_know_no_loop_socket_clock_or_thread(void **state)
{
    (void)state;
    needs_nothing_above(CODECS, 1u << BASE, NULL);
    needs_none_of(CODECS, libev);
    needs_none_of(CODECS, protobuf_c);
    needs_none_of(CODECS, sockets);
    needs_none_of(CODECS, waits);
    needs_none_of(CODECS, clocks);
    needs_none_of(CODECS, threads);
}

static void test_echo_knows_the_service_seam_alone(void **state)
{
    (void)state;
    needs_nothing_above(ECHO, 1u << BASE, seam);
    needs_none_of(ECHO, libev);
    needs_none_of(ECHO, gzip_engines);
    needs_none_of(ECHO, protobuf_c);
    needs_none_of(ECHO, sockets);
    needs_none_of(ECHO, waits);
}

/* The access log's one thread writes its file. */
static void test_access_knows_the_layer_seam_alone(void **state)
{
    (void)state;
    needs_nothing_above(ACCESS, 1u << BASE, seam);
    needs_none_of(ACCESS, libev);
    needs_none_of(ACCESS, gzip_engines);
    needs_none_of(ACCESS, protobuf_c);
    needs_none_of(ACCESS, sockets);
}

static void test_admin_knows_no_plugin_and_no_socket(void **state)
{
    (void)state;
    needs_nothing_above(ADMIN, 1u << BASE | 1u << CORE | 1u << PAYLOAD, NULL);
    needs_none_of(ADMIN, libev);
    needs_none_of(ADMIN, gzip_engines);
    needs_none_of(ADMIN, protobuf_c);
    needs_none_of(ADMIN, sockets);
    needs_none_of(ADMIN, waits);
    needs_none_of(ADMIN, clocks);
    needs_none_of(ADMIN, threads);
}

static void test_metrics_know_the_layer_seam_alone_and_a_clock(void **state)
{
    (void)state;
    needs_nothing_above(METRICS, 1u << BASE, seam);
    needs_none_of(METRICS, libev);
    needs_none_of(METRICS, gzip_engines);
    needs_none_of(METRICS, protobuf_c);
    needs_none_of(METRICS, sockets);
    needs_none_of(METRICS, waits);
    needs_none_of(METRICS, thread_starts);
}

static void test_users_know_the_layer_seam_alone(void **state)
{
    (void)state;
    needs_nothing_above(USERS, 1u << BASE, seam);
    needs_none_of(USERS, libev);
    needs_none_of(USERS, gzip_engines);
    needs_none_of(USERS, protobuf_c);
    needs_none_of(USERS, sockets);
    needs_none_of(USERS, waits);
    needs_none_of(USERS, clocks);
}

static void test_payloads_know_protobuf_alone(void **state)
{
    (void)state;
    needs_nothing_above(PAYLOAD, 1u << BASE, NULL);
    needs_none_of(PAYLOAD, libev);
    needs_none_of(PAYLOAD, gzip_engines);
    needs_none_of(PAYLOAD, sockets);
    needs_none_of(PAYLOAD, waits);
    needs_none_of(PAYLOAD, threads);
}

static void test_rpc_knows_the_service_seam_and_payloads_alone(void **state)
{
    (void)state;
    needs_nothing_above(RPC, 1u << BASE | 1u << CORE | 1u << PAYLOAD, NULL);
    needs_none_of(RPC, libev);
    needs_none_of(RPC, gzip_engines);
    needs_none_of(RPC, sockets);
    needs_none_of(RPC, waits);
    needs_none_of(RPC, clocks);
    needs_none_of(RPC, threads);
}

static void test_updates_of_kv_know_base_and_a_digest_alone(void **state)
{
    (void)state;
    needs_nothing_above(KV_UPDATE, 1u << BASE, NULL);
    needs_none_of(KV_UPDATE, libev);
    needs_none_of(KV_UPDATE, gzip_engines);
    needs_none_of(KV_UPDATE, protobuf_c);
    needs_none_of(KV_UPDATE, sockets);
    needs_none_of(KV_UPDATE, waits);
    needs_none_of(KV_UPDATE, clocks);
    needs_none_of(KV_UPDATE, threads);
}

static void test_kv_knows_no_message_format_and_no_store(void **state)
{
    (void)state;
    needs_nothing_above(KV, 1u << BASE | 1u << KV_UPDATE, seam);
    needs_none_of(KV, libev);
    needs_none_of(KV, gzip_engines);
    needs_none_of(KV, protobuf_c);
    needs_none_of(KV, sockets);
    needs_none_of(KV, waits);
    needs_none_of(KV, thread_starts);
}

static void test_faces_of_kv_know_no_store(void **state)
{
    (void)state;
    needs_nothing_above(
        KV_FACES, 1u << BASE | 1u << PAYLOAD | 1u << KV_UPDATE | 1u << KV | 1u << KV_ABI, seam);
    needs_none_of(KV_FACES, libev);
    needs_none_of(KV_FACES, gzip_engines);
    needs_none_of(KV_FACES, sockets);
    needs_none_of(KV_FACES, waits);
    needs_none_of(KV_FACES, threads);
}

static void test_trail_of_changes_knows_base_and_loops_alone(void **state)
{
    (void)state;
    needs_nothing_above(KV_TRAIL, 1u << BASE, seam);
    needs_none_of(KV_TRAIL, libev);
    needs_none_of(KV_TRAIL, gzip_engines);
    needs_none_of(KV_TRAIL, protobuf_c);
    needs_none_of(KV_TRAIL, sockets);
    needs_none_of(KV_TRAIL, waits);
    needs_none_of(KV_TRAIL, thread_starts);
}

static void test_memory_store_knows_no_command_and_no_face(void **state)
{
    (void)state;
    needs_nothing_above(KV_MEMORY, 1u << BASE | 1u << KV_UPDATE | 1u << KV_TRAIL, seam);
    needs_none_of(KV_MEMORY, libev);
    needs_none_of(KV_MEMORY, gzip_engines);
    needs_none_of(KV_MEMORY, protobuf_c);
    needs_none_of(KV_MEMORY, sockets);
    needs_none_of(KV_MEMORY, waits);
    needs_none_of(KV_MEMORY, thread_starts);
}

static void test_parts_of_stores_on_disk_know_no_command_and_no_library(void **state)
{
    (void)state;
    needs_nothing_above(KV_PARTS, 1u << BASE | 1u << KV_UPDATE | 1u << KV_TRAIL, seam);
    needs_none_of(KV_PARTS, libev);
    needs_none_of(KV_PARTS, gzip_engines);
    needs_none_of(KV_PARTS, protobuf_c);
    needs_none_of(KV_PARTS, sockets);
    needs_none_of(KV_PARTS, waits);
}

static void test_stores_on_disk_are_made_of_the_parts_and_their_libraries(void **state)
{
    static const int stores[] = {KV_LMDB, KV_ROCKSDB};
    (void)state;
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        needs_nothing_above(stores[i],
                            1u << BASE | 1u << KV_UPDATE | 1u << KV_TRAIL | 1u << KV_PARTS, seam);
        needs_none_of(stores[i], libev);
        needs_none_of(stores[i], gzip_engines);
        needs_none_of(stores[i], protobuf_c);
        needs_none_of(stores[i], sockets);
        needs_none_of(stores[i], waits);
        needs_none_of(stores[i], threads);
    }
}

#ifdef ARCHIVE_KV_REDIS
static void test_store_on_redis_is_made_of_core_and_hiredis(void **state)
{
    (void)state;
    needs_nothing_above(KV_REDIS, 1u << BASE | 1u << CORE | 1u << KV_UPDATE | 1u << KV_TRAIL, NULL);
    needs_none_of(KV_REDIS, libev);
    needs_none_of(KV_REDIS, gzip_engines);
    needs_none_of(KV_REDIS, protobuf_c);
    needs_none_of(KV_REDIS, sockets);
    needs_none_of(KV_REDIS, waits);
    needs_none_of(KV_REDIS, clocks);
    needs_none_of(KV_REDIS, threads);
}

static void test_tables_on_redis_are_made_of_its_client(void **state)
{
    static const char *const hiredis_reader[] = {"redis*", NULL};
    static const char *const client[] = {"kv_redis_*",      "weft_loop_now",
                                         "weft_loop_wall",  "weft_deferred_cancel",
                                         "weft_loop_defer", NULL};
    (void)state;
    needs_nothing_above(KV_REDIS_STORE, 1u << BASE | 1u << KV_UPDATE, client);
    needs_none_of(KV_REDIS_STORE, hiredis_reader);
    needs_none_of(KV_REDIS_STORE, libev);
    needs_none_of(KV_REDIS_STORE, gzip_engines);
    needs_none_of(KV_REDIS_STORE, protobuf_c);
    needs_none_of(KV_REDIS_STORE, sockets);
    needs_none_of(KV_REDIS_STORE, waits);
    needs_none_of(KV_REDIS_STORE, clocks);
    needs_none_of(KV_REDIS_STORE, threads);
}
#endif

static void test_records_of_the_journal_know_one_codec_alone(void **state)
{
    (void)state;
    needs_nothing_above(KV_RECORDS, 1u << BASE | 1u << CODECS, NULL);
    needs_none_of(KV_RECORDS, libev);
    needs_none_of(KV_RECORDS, gzip_engines);
    needs_none_of(KV_RECORDS, protobuf_c);
    needs_none_of(KV_RECORDS, sockets);
    needs_none_of(KV_RECORDS, waits);
    needs_none_of(KV_RECORDS, threads);
}

static void test_journal_is_made_of_the_memory_store_and_codecs(void **state)
{
    (void)state;
    needs_nothing_above(KV_JOURNAL,
                        1u << BASE | 1u << KV_RECORDS | 1u << KV_UPDATE | 1u << KV_TRAIL |
                            1u << KV_MEMORY | 1u << KV_PARTS,
                        seam);
    needs_none_of(KV_JOURNAL, libev);
    needs_none_of(KV_JOURNAL, gzip_engines);
    needs_none_of(KV_JOURNAL, protobuf_c);
    needs_none_of(KV_JOURNAL, sockets);
    needs_none_of(KV_JOURNAL, waits);
}

static void test_kv_client_knows_no_codec(void **state)
{
    (void)state;
    needs_nothing_above(KV_CLIENT, 1u << BASE | 1u << CORE | 1u << PAYLOAD | 1u << KV_ABI, NULL);
    needs_none_of(KV_CLIENT, libev);
    needs_none_of(KV_CLIENT, gzip_engines);
    needs_none_of(KV_CLIENT, sockets);
    needs_none_of(KV_CLIENT, waits);
}

static void test_what_the_programs_share_knows_base_alone(void **state)
{
    (void)state;
    needs_nothing_above(PROGRAMS_LIB, 1u << BASE, NULL);
    needs_none_of(PROGRAMS_LIB, sockets);
    needs_none_of(PROGRAMS_LIB, waits);
}

/* It has sockets of its own, to the manager and to another kvs, and no plugin. */
static void test_service_of_kvs_knows_core_alone(void **state)
{
    (void)state;
    needs_nothing_above(KVS_SERVICE, 1u << BASE | 1u << CORE, NULL);
    needs_none_of(KVS_SERVICE, libev);
    needs_none_of(KVS_SERVICE, gzip_engines);
    needs_none_of(KVS_SERVICE, protobuf_c);
    needs_none_of(KVS_SERVICE, waits);
}

/* The server carries nothing of the client: no load generator, no command, no prompt. */
static void test_kvs_knows_no_plugin_and_nothing_of_kvc(void **state)
{
    (void)state;
    needs_nothing_above(KVS, 1u << BASE | 1u << CORE | 1u << PROGRAMS_LIB | 1u << KVS_SERVICE,
                        NULL);
    needs_none_of(KVS, libev);
    needs_none_of(KVS, gzip_engines);
    needs_none_of(KVS, protobuf_c);
    needs_none_of(KVS, sockets);
    needs_none_of(KVS, waits);
}

/* kvc waits for a terminal, but for no peer. */
static void test_kvc_knows_no_codec_no_socket_and_nothing_of_kvs(void **state)
{
    (void)state;
    needs_nothing_above(KVC,
                        1u << BASE | 1u << CORE | 1u << TRANSPORTS | 1u << KV | 1u << KV_CLIENT |
                            1u << KV_RECORDS | 1u << PAYLOAD | 1u << PROGRAMS_LIB,
                        NULL);
    needs_none_of(KVC, libev);
    needs_none_of(KVC, gzip_engines);
    needs_none_of(KVC, sockets);
}

/* The files of the journal are streams of frames of one codec, whichever codecs a program offers. */
static void test_names_of_codecs_are_defined_by_codecs_alone(void **state)
{
    (void)state;
    for (int i = 0; i < ARCHIVE_COUNT; i++)
        for (size_t k = 0; k < archives[i].count; k++)
            if (i != CODECS && i != KV_RECORDS &&
                fnmatch("weft_codec_*", archives[i].symbols[k].name, 0) == 0)
                fail_msg("%s has %s", archives[i].path, archives[i].symbols[k].name);
}

/* A pattern that matches nothing forbids nothing: each is seen where it is allowed. */
static void test_what_is_forbidden_elsewhere_is_seen_where_it_is_allowed(void **state)
{
    (void)state;
    assert_true(needs(&archives[CORE], libev));
    assert_true(needs(&archives[TRANSPORTS], sockets));
    assert_true(needs(&archives[KVC], waits));
    assert_true(needs(&archives[CORE], threads));
    assert_true(needs(&archives[CORE], thread_starts));
    assert_true(needs(&archives[BASE], clocks));
    assert_true(needs(&archives[CODECS], gzip_engines));
    assert_true(needs(&archives[KV_ABI], protobuf_c));
    assert_true(needs(&archives[KV_MEMORY], threads));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_an_archive_call_each_other_in_no_ring),
        cmocka_unit_test(test_base_needs_libc_alone),
        cmocka_unit_test(test_core_knows_no_plugin_and_none_of_their_libraries),
        cmocka_unit_test(test_core_calls_no_socket),
        cmocka_unit_test(test_transports_know_the_doors_of_core_alone),
        cmocka_unit_test(test_yamux_knows_a_loop_and_no_socket_or_thread),
        cmocka_unit_test(test_filters_know_no_loop_socket_clock_or_thread),
        cmocka_unit_test(test_codecs_know_no_loop_socket_clock_or_thread),
        cmocka_unit_test(test_echo_knows_the_service_seam_alone),
        cmocka_unit_test(test_access_knows_the_layer_seam_alone),
        cmocka_unit_test(test_admin_knows_no_plugin_and_no_socket),
        cmocka_unit_test(test_metrics_know_the_layer_seam_alone_and_a_clock),
        cmocka_unit_test(test_users_know_the_layer_seam_alone),
        cmocka_unit_test(test_payloads_know_protobuf_alone),
        cmocka_unit_test(test_rpc_knows_the_service_seam_and_payloads_alone),
        cmocka_unit_test(test_updates_of_kv_know_base_and_a_digest_alone),
        cmocka_unit_test(test_kv_knows_no_message_format_and_no_store),
        cmocka_unit_test(test_faces_of_kv_know_no_store),
        cmocka_unit_test(test_trail_of_changes_knows_base_and_loops_alone),
        cmocka_unit_test(test_memory_store_knows_no_command_and_no_face),
        cmocka_unit_test(test_parts_of_stores_on_disk_know_no_command_and_no_library),
        cmocka_unit_test(test_stores_on_disk_are_made_of_the_parts_and_their_libraries),
#ifdef ARCHIVE_KV_REDIS
        cmocka_unit_test(test_store_on_redis_is_made_of_core_and_hiredis),
        cmocka_unit_test(test_tables_on_redis_are_made_of_its_client),
#endif
        cmocka_unit_test(test_records_of_the_journal_know_one_codec_alone),
        cmocka_unit_test(test_journal_is_made_of_the_memory_store_and_codecs),
        cmocka_unit_test(test_kv_client_knows_no_codec),
        cmocka_unit_test(test_what_the_programs_share_knows_base_alone),
        cmocka_unit_test(test_service_of_kvs_knows_core_alone),
        cmocka_unit_test(test_kvs_knows_no_plugin_and_nothing_of_kvc),
        cmocka_unit_test(test_kvc_knows_no_codec_no_socket_and_nothing_of_kvs),
        cmocka_unit_test(test_names_of_codecs_are_defined_by_codecs_alone),
        cmocka_unit_test(test_what_is_forbidden_elsewhere_is_seen_where_it_is_allowed),
    };
    return cmocka_run_group_tests(tests, load_all, free_all);
}
