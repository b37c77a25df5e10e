/* SPDX-License-Identifier: MIT */
#include "server_session.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "core/server.h"
#include "transports/transports.h"
#include "lib/wire.h"
#include "services/kv/service.h"
#include "services/kv/stores/stores.h"

enum { TRIES = 3, LARGE = 100000 };

#define POLL_NS 1000000

/* --- the client, in its process ---------------------------------------------------------------- */

/* hset or hget of "k" in a table of one letter, into dst; returns the size of the message. */
static size_t put_message(uint8_t *dst, uint8_t tag, char table, const uint8_t *value, size_t size)
{
    uint8_t *at = dst;
    size_t pair = 3 + 4 + size, inner = 3 + (value ? 4 + pair : 3);
    *at++ = tag;
    for (int i = 0; i < 2; i++) /* lengths in three bytes each, which is not the shortest way */
        *at++ = (uint8_t)(inner >> (7 * i) | 0x80);
    *at++ = (uint8_t)(inner >> 14);
    *at++ = 0x0a;
    *at++ = 1;
    *at++ = (uint8_t)table;
    *at++ = 0x12;
    if (!value) {
        *at++ = 1;
        *at++ = 'k';
        return (size_t)(at - dst);
    }
    *at++ = (uint8_t)(pair | 0x80);
    *at++ = (uint8_t)(pair >> 7 | 0x80);
    *at++ = (uint8_t)(pair >> 14);
    memcpy(at, "\x0a\x01k\x12", 4);
    at += 4;
    *at++ = (uint8_t)(size | 0x80);
    *at++ = (uint8_t)(size >> 7 | 0x80);
    *at++ = (uint8_t)(size >> 14);
    memcpy(at, value, size);
    return (size_t)(at + size - dst);
}

/* A packed Value of `size` bytes: text in which nothing but its letters repeats. */
static void make_value(uint8_t *value, size_t size)
{
    size_t text = size - 4;
    value[0] = 0x0a;
    value[1] = (uint8_t)(text | 0x80);
    value[2] = (uint8_t)(text >> 7 | 0x80);
    value[3] = (uint8_t)(text >> 14);
    for (size_t i = 0; i < text; i++)
        value[4 + i] = (uint8_t)('a' + i * i % 23);
}

/* The next reply has the status and ends with these bytes. An error that says so (503, out of
 * memory) ends the try. */
static enum session_outcome expect(int fd, int status, const void *end, size_t size)
{
    struct wire_bytes reply;
    if (wire_receive(fd, true, &reply) != 1)
        return SESSION_LOST;
    int got = wire_status(&reply);
    bool right = got == status && reply.size >= size &&
                 (size == 0 || memcmp(reply.data + reply.size - size, end, size) == 0);
    wire_free(&reply);
    return right ? SESSION_SERVED : got == 503 ? SESSION_LOST : SESSION_WRONG;
}

/* Stores a large value, reads it back, asks for what is not there and for what makes no sense, all
 * at once; then ends its side, and must see the server's end. */
static enum session_outcome talk(int fd, char table)
{
    static uint8_t value[LARGE], message[LARGE + 64];
    enum session_outcome outcome = SESSION_SERVED;
    struct wire_bytes more;
    make_value(value, sizeof value);
    size_t size = put_message(message, 0x22, table, value, sizeof value);
    if (wire_send_gzip(fd, message, size) < 0)
        return SESSION_LOST;
    size = put_message(message, 0x0a, table, NULL, 0);
    if (wire_send_frame(fd, message, size) < 0)
        return SESSION_LOST;
    size = put_message(message, 0x0a, '?', NULL, 0);
    if (wire_send_frame(fd, message, size) < 0 || wire_send_frame(fd, "\x0e", 1) < 0)
        return SESSION_LOST;
    outcome = expect(fd, 200, "\x1a\x00", 2);
    if (outcome == SESSION_SERVED)
        outcome = expect(fd, 200, value, sizeof value);
    if (outcome == SESSION_SERVED)
        outcome = expect(fd, 404, "table: ?, key: k", 16);
    if (outcome == SESSION_SERVED)
        outcome = expect(fd, 400, NULL, 0);
    if (outcome != SESSION_SERVED)
        return outcome;
    wire_shutdown(fd);
    int end = wire_receive(fd, true, &more);
    wire_free(&more);
    return end == 0 ? SESSION_SERVED : end == 1 ? SESSION_WRONG : SESSION_LOST;
}

/* Each try uses a table of its own, since nobody knows what those before it have done. */
static enum session_outcome visit(const char *url, char first_table)
{
    enum session_outcome outcome = SESSION_LOST;
    for (int i = 0; i < TRIES && outcome == SESSION_LOST; i++) {
        int fd = wire_connect(url);
        if (fd < 0)
            continue;
        outcome = talk(fd, (char)(first_table + i));
        close(fd);
    }
    return outcome;
}

static _Noreturn void run_client(const struct session *session, const struct weft_server *server)
{
    if (session->in_client)
        session->in_client();
    enum session_outcome tcp = visit(weft_server_endpoint(server, 0), 'a');
    enum session_outcome local = visit(weft_server_endpoint(server, 1), 'p');
    _exit((int)(tcp > local ? tcp : local));
}

/* --- the server --------------------------------------------------------------------------------- */

struct life {
    struct weft_server *server;
    struct weft_timer poll; /* no signal and no descriptor, which a fault could take away */
    pid_t client;
    enum session_outcome outcome;
};

static void look_for_client(struct weft_timer *timer)
{
    struct life *life = weft_container_of(timer, struct life, poll);
    int status;
    if (waitpid(life->client, &status, WNOHANG) == 0) {
        weft_loop_after(weft_server_loop(life->server), timer, POLL_NS);
        return;
    }
    assert_true(WIFEXITED(status));
    life->outcome = (enum session_outcome)WEXITSTATUS(status);
    weft_server_stop(life->server);
}

static enum session_outcome serve(const struct session *session, struct weft_server *server)
{
    struct life life = {.server = server, .poll.fire = look_for_client};
    fflush(NULL);
    life.client = fork();
    assert_true(life.client >= 0);
    if (life.client == 0) {
        /* The server's descriptors are not the client's: it would keep connections open. */
        close_range(STDERR_FILENO + 1, ~0u, 0);
        run_client(session, server);
    }
    weft_loop_after(weft_server_loop(server), &life.poll, POLL_NS);
    assert_int_equal(weft_server_run(server), 0);
    weft_timer_stop(&life.poll);
    return life.outcome;
}

static enum session_outcome start_and_serve(const struct session *session,
                                            struct weft_kv_context *kv,
                                            const struct weft_limits *limits)
{
    char unix_url[128];
    struct weft_registry registry = {0};
    struct weft_server *server;
    struct weft_error error = {0};
    assert_int_equal(weft_registry_add_transport(&registry, &weft_transport_tcp), 0);
    assert_int_equal(weft_registry_add_transport(&registry, &weft_transport_unix), 0);
    assert_int_equal(weft_registry_add_codec(&registry, &weft_codec_length_delimited_gzip), 0);
    assert_int_equal(weft_registry_add_service(&registry, &weft_kv_service, kv), 0);
    snprintf(unix_url, sizeof unix_url, "unix:%s/kvs.sock", session->folder);
    const struct weft_server_options options = {
        .registry = &registry,
        .urls = (const char *const[]){"tcp://127.0.0.1:0", unix_url},
        .url_count = 2,
        .codec = "length-delimited-gzip",
        .service = "kv",
        .limits = *limits,
        .threads = 1,
    };
    enum session_outcome outcome = SESSION_REFUSED;
    int err = weft_server_new(&server, &options, &error);
    if (err == 0)
        err = weft_server_listen(server, &error);
    if (err == 0)
        outcome = serve(session, server);
    else
        assert_string_not_equal(error.text, "");
    weft_server_free(server);
    return outcome;
}

static unsigned count_entries(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

enum session_outcome session_run(const struct session *session)
{
    static const uint8_t seed[16] = {1};
    unsigned descriptors = count_entries("/proc/self/fd");
    const struct weft_kv_limits kv_limits = weft_kv_limits_default();
    struct weft_limits limits = weft_limits_default();
    struct weft_kv_context kv = {0};
    struct weft_error error;
    enum session_outcome outcome = SESSION_REFUSED;
    limits.max_connections = 100;
    if (weft_kv_context_init(&kv, &weft_kv_store_memory, &kv_limits, seed, &error) == 0)
        outcome = start_and_serve(session, &kv, &limits);
    weft_kv_context_fini(&kv);
    assert_int_equal(count_entries("/proc/self/fd"), descriptors);
    return outcome;
}

void session_init(struct session *session)
{
    *session = (struct session){0};
    snprintf(session->folder, sizeof session->folder, "/tmp/weft-session-XXXXXX");
    assert_non_null(mkdtemp(session->folder));
}

/* A socket whose unlink failed may be there still. */
void session_fini(struct session *session)
{
    char path[128];
    snprintf(path, sizeof path, "%s/kvs.sock", session->folder);
    (void)unlink(path);
    assert_int_equal(rmdir(session->folder), 0);
}
