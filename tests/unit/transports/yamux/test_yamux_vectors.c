/* SPDX-License-Identifier: MIT
 *
 * The bytes that Go's library writes, as tests/vectors/yamux.jsonl has them (tests/package/yamux/peer.go made it), are
 * cut at every place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lib/vectors.h"
#include "yamux_fixture.h"

static struct world world;

/* Sends pieces of `size` bytes, the first one of `first`. */
static void send_in_pieces(struct weft_view bytes, size_t first, size_t size)
{
    size_t piece = first;

    while (bytes.size > 0) {
        size_t n = piece < bytes.size ? piece : bytes.size;
        script_send(world.peer, bytes.data, n);
        world_run(&world);
        bytes = weft_view_skip(bytes, n);
        piece = size;
    }
}

static void check(const json_t *row, struct weft_view send, size_t first, size_t size)
{
    bool is_server = strcmp(vectors_string(row, "role"), "server") == 0;
    struct weft_bytes got = vectors_bytes(NULL, row, "bytes");
    struct weft_bytes said = vectors_bytes(NULL, row, "said");
    size_t said_size;
    int error;

    world_begin(&world, "", is_server);
    if (!is_server) {
        assert_non_null(world_dial(&world, &error));
        world_take(&world);
        world_run(&world);
    }
    send_in_pieces(send, first, size);
    assert_int_equal(world.count, 1);
    assert_int_equal(weft_buf_size(&world.owners[0].got), got.size);
    assert_memory_equal(weft_buf_view(&world.owners[0].got).data, got.data, got.size);
    assert_int_equal(world.owners[0].result, 0);
    const uint8_t *out = script_received(world.peer, &said_size);
    assert_int_equal(said_size, said.size);
    /* How the bytes are cut decides in which order a stream and a ping are answered. */
    for (size_t i = 0; i < said.size; i += WEFT__YAMUX_HEADER)
        assert_non_null(memmem(out, said_size, said.data + i, WEFT__YAMUX_HEADER));
    assert_int_equal(world.over, 0);
    world_end(&world);
    weft_bytes_fini(&got);
    weft_bytes_fini(&said);
}

static void test_what_go_writes_is_read_at_every_split(void **state)
{
    json_t *rows = vectors_load(NULL, "yamux.jsonl"), *row;
    size_t i;

    (void)state;
    json_array_foreach(rows, i, row)
    {
        struct weft_bytes send = vectors_bytes(NULL, row, "send");
        struct weft_view view = weft_view(send.data, send.size);
        for (size_t at = 1; at <= send.size; at++)
            check(row, view, at, send.size);
        for (size_t size = 1; size < 16; size++)
            check(row, view, size, size);
        weft_bytes_fini(&send);
    }
    json_decref(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_go_writes_is_read_at_every_split),
    };
    return cmocka_run_group_tests_name("yamux vectors", tests, NULL, NULL);
}
