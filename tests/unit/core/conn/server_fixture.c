/* SPDX-License-Identifier: MIT */
#include "server_fixture.h"

#include <zlib.h>

#include "codecs/codecs.h"
#include "core/loop/turn.h"
#include "lib/fault.h"

char server_url_raw[] = "script:server?codec=raw&service=probe";
char server_url_gzip[] = "script:server?codec=length-delimited-gzip&threshold=0&service=probe";
char server_url_mute[] = "script:server?codec=raw&service=mute";

int server_fixture_setup(void **state)
{
    struct server_fixture *f = calloc(1, sizeof *f);

    if (!f)
        return -1;
    f->urls[0] = *state;
    *state = f;
    f->options = (struct weft_server_options){
        .registry = &f->registry,
        .urls = f->urls,
        .url_count = 1,
        .codec = "raw",
        .service = "probe",
        .limits = weft_limits_default(),
        .threads = 1,
    };
    script_begin(1);
    if (weft_registry_add_codec(&f->registry, &weft_codec_raw) < 0 ||
        weft_registry_add_codec(&f->registry, &weft_codec_length_delimited_gzip) < 0 ||
        weft_registry_add_transport(&f->registry, &script_transport) < 0 ||
        weft_registry_add_service(&f->registry, &probe_service, &f->probe) < 0 ||
        weft_registry_add_service(&f->registry, &probe_mute_service, &f->probe) < 0)
        return -1;
    return 0;
}

int server_fixture_try_start(struct server_fixture *f)
{
    int err = weft_server_new(&f->server, &f->options, &f->error);

    if (err < 0)
        return err;
    f->loop = weft_server_loop(f->server);
    f->worker = &f->server->threads[0].worker;
    err = weft_server_listen(f->server, &f->error);
    if (err == 0)
        weft__server_begin(f->server);
    return err;
}

void server_fixture_start(struct server_fixture *f)
{
    assert_int_equal(server_fixture_try_start(f), 0);
}

struct test_peer *serve_one(struct server_fixture *f)
{
    server_fixture_start(f);
    return peer_dial(f);
}

static bool has_ended(struct weft_loop *loop)
{
    return atomic_load(&loop->posts) == &loop->closed;
}

/* The turns of all loops: those beside the first have no thread in these tests. */
static bool all_idle(struct server_fixture *f, int64_t ns)
{
    bool idle = true;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < f->server->thread_count; i++) {
            struct weft_loop *loop = f->server->threads[i].worker.loop;
            if (has_ended(loop))
                continue;
            idle = (ns > 0 && pass == 0 ? virtual_loop_advance(loop, ns)
                                        : virtual_loop_run_until_idle(loop)) &&
                   idle;
        }
    return idle;
}

void turns(struct server_fixture *f)
{
    assert_true(all_idle(f, 0));
}

void advance(struct server_fixture *f, int64_t ns)
{
    assert_true(all_idle(f, ns));
}

static bool is_counted(struct server_fixture *f)
{
    struct weft_server_counts counts;

    weft_server_count(f->server, SIZE_MAX, &counts);
    if (counts.open == 0 && counts.accepted == closed(f) && f->probe.connections == 0)
        return true;
    print_error("accepted %llu, open %llu, closed %llu, not closed by the service %zu\n",
                (unsigned long long)counts.accepted, (unsigned long long)counts.open,
                (unsigned long long)closed(f), f->probe.connections);
    return false;
}

/* Clients are closed first, so that no timeout has to be waited for; whatever then is still there,
 * with a stalled stream, is cut. */
static bool stop_server(struct server_fixture *f)
{
    bool rest = all_idle(f, 0);

    for (size_t i = 0; i < f->server->thread_count; i++)
        weft__worker_cut(&f->server->threads[i].worker);
    probe_end_all(&f->probe);
    rest = all_idle(f, SECONDS(2)) && rest;
    if (!rest)
        print_error("the loop does not come to rest\n");
    return is_counted(f) && rest;
}

int server_fixture_teardown(void **state)
{
    struct server_fixture *f = *state;
    bool good = true;
    size_t left_open;

    for (size_t i = 0; i < f->peer_count; i++) {
        peer_close(f->peers[i]);
        free(f->peers[i]);
    }
    if (f->server)
        good = stop_server(f);
    weft_server_free(f->server);
    left_open = script_finish();
    if (left_open > 0)
        print_error("%zu ends or listeners were not closed\n", left_open);
    if (f->probe.loops > 0)
        print_error("%zu loops of the service were not stopped\n", f->probe.loops);
    good = good && left_open == 0 && f->probe.loops == 0;
    free(f);
    return good ? 0 : -1;
}

int server_fixture_setup_fault(void **state)
{
    fault_install();
    return server_fixture_setup(state);
}

int server_fixture_teardown_fault(void **state)
{
    fault_remove();
    return server_fixture_teardown(state);
}

struct test_peer *peer_dial_at(struct server_fixture *f, const char *name)
{
    struct test_peer *peer = calloc(1, sizeof *peer);

    assert_non_null(peer);
    assert_true(f->peer_count < TEST_PEERS);
    f->peers[f->peer_count++] = peer;
    peer->fixture = f;
    peer->end = script_dial(name);
    assert_non_null(peer->end);
    return peer;
}

struct test_peer *peer_dial_only(struct server_fixture *f)
{
    return peer_dial_at(f, "server");
}

struct test_peer *peer_dial(struct server_fixture *f)
{
    struct test_peer *peer = peer_dial_only(f);

    turns(f);
    return peer;
}

void peer_send(struct test_peer *peer, const void *bytes, size_t size)
{
    script_send(peer->end, bytes, size);
}

size_t peer_frame(uint8_t *dst, const char *text, size_t size)
{
    if (dst) {
        weft_store_be32(dst, (uint32_t)size);
        memset(dst + 4, ' ', size);
        memcpy(dst + 4, text, strlen(text) < size ? strlen(text) : size);
    }
    return 4 + size;
}

void peer_queue(struct test_peer *peer, const char *text)
{
    uint8_t frame[256];

    assert_true(strlen(text) + 4 <= sizeof frame);
    peer_send(peer, frame, peer_frame(frame, text, strlen(text)));
}

void peer_say_all(struct test_peer *peer, const char *const *texts)
{
    for (; *texts; texts++)
        peer_queue(peer, *texts);
    turns(peer->fixture);
}

void peer_send_frame(struct test_peer *peer, const char *text, size_t size)
{
    uint8_t *frame = malloc(4 + size);

    assert_non_null(frame);
    peer_send(peer, frame, peer_frame(frame, text, size));
    free(frame);
}

void peer_send_header(struct test_peer *peer, uint32_t header)
{
    uint8_t bytes[4];

    weft_store_be32(bytes, header);
    peer_send(peer, bytes, sizeof bytes);
}

void peer_send_malformed(struct test_peer *peer)
{
    peer_send_header(peer, 0x80000004);
    peer_send(peer, "junk", 4);
}

void peer_shutdown(struct test_peer *peer)
{
    script_shutdown(peer->end);
    turns(peer->fixture);
}

void peer_close(struct test_peer *peer)
{
    if (peer->end)
        script_close(peer->end);
    peer->end = NULL;
}

void peer_reset(struct test_peer *peer)
{
    script_reset(peer->end);
    peer->end = NULL;
    turns(peer->fixture);
}

/* The size of its message, which ends a member of gzip in the other order of bytes. */
static size_t size_of_member(const uint8_t *data, size_t size)
{
    assert_true(size >= 4);
    return __builtin_bswap32(weft_load_be32(data + size - 4));
}

static size_t inflate_all(const uint8_t *data, size_t size, uint8_t *dst, size_t room)
{
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)data,
        .avail_in = (uInt)size,
        .next_out = dst,
        .avail_out = (uInt)room,
    };

    assert_int_equal(inflateInit2(&z, 16 + MAX_WBITS), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    assert_int_equal(inflateEnd(&z), Z_OK);
    return z.total_out;
}

static void word_of(const uint8_t *message, size_t size, char *word, size_t room)
{
    size_t same = 0;

    while (same < size && message[same] == message[0])
        same++;
    if (same == size && size > 16) {
        snprintf(word, room, "%c%zu", message[0], size);
    } else {
        assert_true(size < room);
        snprintf(word, room, "%.*s", (int)size, (const char *)message);
    }
}

static void add_words(struct test_peer *peer, const char *word, size_t times)
{
    size_t used = strlen(peer->heard);
    int n;

    if (times == 0)
        return;
    n = snprintf(peer->heard + used, sizeof peer->heard - used, "%s%s", used > 0 ? " " : "", word);
    used += (size_t)n;
    assert_true(used < sizeof peer->heard);
    if (times > 1)
        snprintf(peer->heard + used, sizeof peer->heard - used, "*%zu", times);
}

/* The message of the first frame; 0: it has not come whole, else the frame's size. */
static size_t take_message(struct test_peer *peer, const uint8_t *data, size_t size, char *word,
                           size_t room)
{
    bool gzip = strstr(peer->fixture->urls[0], "gzip") != NULL;
    uint32_t header, length;

    if (size < 4)
        return 0;
    header = weft_load_be32(data);
    length = gzip ? header & 0x7fffffff : header;
    if (size - 4 < length)
        return 0;
    if (header != length) {
        size_t message_size = size_of_member(data + 4, length);
        uint8_t *message = malloc(message_size + 1);
        assert_non_null(message);
        word_of(message, inflate_all(data + 4, length, message, message_size + 1), word, room);
        free(message);
    } else {
        word_of(data + 4, length, word, room);
    }
    return 4 + (size_t)length;
}

const char *peer_hear(struct test_peer *peer)
{
    char word[256], last[256] = "";
    size_t times = 0, consumed = 0, size, taken;
    const uint8_t *data = script_received(peer->end, &size);

    peer->heard[0] = '\0';
    while ((taken = take_message(peer, data + consumed, size - consumed, word, sizeof word)) > 0) {
        consumed += taken;
        if (times > 0 && strcmp(word, last) != 0) {
            add_words(peer, last, times);
            times = 0;
        }
        memcpy(last, word, sizeof last);
        times++;
    }
    add_words(peer, last, times);
    script_consume(peer->end, consumed);
    if (script_is_reset(peer->end))
        add_words(peer, "RESET", 1);
    else if (script_at_eof(peer->end))
        add_words(peer, size > consumed ? "TRUNCATED" : "EOF", 1);
    return peer->heard;
}

uint64_t closed_for(struct server_fixture *f, enum weft_reason reason)
{
    struct weft_server_counts counts;

    weft_server_count(f->server, SIZE_MAX, &counts);
    return counts.closed[reason];
}

uint64_t closed(struct server_fixture *f)
{
    uint64_t sum = 0;

    for (int i = 0; i < WEFT_REASON_COUNT; i++)
        sum += closed_for(f, (enum weft_reason)i);
    return sum;
}
