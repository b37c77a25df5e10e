/* SPDX-License-Identifier: MIT */
#include "redis_world.h"

#include <stdlib.h>

#include "core/base/compiler.h"
#include "core/base/url.h"

struct redis_world world;

/* The scripted transport under the name of the real one: its nodes are called HOST:PORT. */
static int connect_by_script(struct weft_stream *stream, struct weft_loop *loop,
                             const struct weft_url *url, struct weft_error *error)
{
    char text[512];
    struct weft_url scripted;

    snprintf(text, sizeof text, "script:%s:%s", url->host, url->port);
    assert_int_equal(weft_url_parse(&scripted, text, error), 0);
    return script_transport.connect(stream, loop, &scripted, error);
}

static struct weft_transport tcp;

void world_add_transport(void)
{
    tcp = script_transport;
    tcp.name = "tcp";
    tcp.connect = connect_by_script;
    assert_int_equal(weft_registry_add_transport(&world.registry, &tcp), 0);
}

int world_setup(void **state)
{
    (void)state;
    world = (struct redis_world){0};
    fault_install();
    script_begin(1);
    world_add_transport();
    assert_int_equal(weft_loop_new(&world.loop, 0), 0);
    return 0;
}

static void on_node_up(void *arg, struct redis_node *node)
{
    struct redis_world *w = arg;
    if (w->node_up)
        w->node_up(w, node);
}

static void on_change(void *arg)
{
    struct redis_world *w = arg;
    w->changes++;
}

int world_try(bool single, const char *where, const char *options)
{
    struct weft_url url = {.option_count = 0};
    if (options)
        assert_int_equal(weft_url_parse_options(&url, options, &world.error), 0);
    const struct weft_option_set set = weft_url_option_set(&url);
    const struct kv_store_options given = {
        .where = where, .set = &set, .registry = &world.registry};
    const struct redis_hooks hooks = {
        .node_up = on_node_up, .slots_changed = on_change, .arg = &world};
    int err = kv_redis_shared_new(&world.shared, &given, single, &world.error);
    if (err < 0)
        return err;
    err = kv_redis_start(&world.cluster, world.shared, world.loop, &hooks);
    if (err < 0) {
        kv_redis_shared_free(world.shared);
        world.shared = NULL;
    }
    return err;
}

void world_start(bool single, const char *where, const char *options)
{
    int err = world_try(single, where, options);
    if (err < 0)
        fail_msg("%s", world.error.text);
}

void world_stop(void)
{
    kv_redis_stop(world.cluster);
    kv_redis_shared_free(world.shared);
    world.cluster = NULL;
    world.shared = NULL;
}

void world_turns(void)
{
    assert_true(virtual_loop_run_until_idle(world.loop));
}

void world_pass(int64_t ns)
{
    assert_true(virtual_loop_advance(world.loop, ns));
}

static void note(const char *name, const char *text)
{
    size_t used = strlen(world.log);
    snprintf(world.log + used, sizeof world.log - used, "%s%s=%s", used ? " " : "", name, text);
}

static void show(const redisReply *reply, char *dst, size_t size)
{
    size_t used = 0;
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        snprintf(dst, size, "%lld", reply->integer);
        break;
    case REDIS_REPLY_NIL:
        snprintf(dst, size, "nil");
        break;
    case REDIS_REPLY_ARRAY:
        used = (size_t)snprintf(dst, size, "[");
        for (size_t i = 0; i < reply->elements; i++) {
            if (i > 0)
                dst[used++] = ',';
            show(reply->element[i], dst + used, size - used - 2);
            used += strlen(dst + used);
        }
        snprintf(dst + used, size - used, "]");
        break;
    default:
        snprintf(dst, size, "%s%.200s", reply->type == REDIS_REPLY_ERROR ? "-" : "", reply->str);
    }
}

static void on_done(struct redis_call *base, enum redis_outcome outcome, const redisReply *reply)
{
    struct test_call *call = weft_container_of(base, struct test_call, call);
    char text[1024];

    assert_true((outcome == REDIS_ANSWERED) == (reply != NULL));
    if (reply)
        show(reply, text, sizeof text);
    call->ended++;
    note(call->name, reply ? text : outcome == REDIS_UNKNOWN ? "?" : "!");
    if (call->done)
        call->done(call);
}

void submit(struct test_call *call, const char *name, int slot, const char *command,
            const char *how)
{
    char *rest = call->text, *word;
    size_t count = 0;

    snprintf(call->text, sizeof call->text, "%s", command);
    while ((word = strsep(&rest, " "))) {
        assert_true(count < TEST_WORDS);
        call->words[count++] = weft_view_str(word);
    }
    call->name = name;
    call->ended = 0;
    call->call.args = call->words;
    call->call.count = count;
    call->call.slot = slot;
    call->call.write = strpbrk(how, "wa") != NULL;
    call->call.ack = strchr(how, 'a') != NULL;
    call->call.done = on_done;
    kv_redis_submit(world.cluster, &call->call);
}

void expect_log(const char *text)
{
    world_turns();
    assert_string_equal(world.log, text);
    world.log[0] = '\0';
}

void node_listen(const char *name)
{
    size_t i = 0;
    while (world.names[i][0])
        i++;
    assert_true(i < TEST_NODES - 1);
    snprintf(world.names[i], sizeof world.names[i], "%s", name);
    script_serve(name);
}

static void hold(struct script_end *end)
{
    size_t i = 0;
    while (world.ends[i])
        i++;
    assert_true(i < TEST_NODES - 1);
    world.ends[i] = end;
}

static void let_go(const struct script_end *end)
{
    size_t i = 0;
    while (world.ends[i] != end)
        i++;
    world.ends[i] = NULL;
}

void node_close(struct script_end *node)
{
    let_go(node);
    script_close(node);
}

void node_reset(struct script_end *node)
{
    let_go(node);
    script_reset(node);
}

void world_close_nodes(void)
{
    for (size_t i = 0; i < TEST_NODES; i++) {
        struct script_end *end;
        if (world.ends[i])
            script_close(world.ends[i]);
        world.ends[i] = NULL;
        while (world.names[i][0] && (end = script_take(world.names[i])))
            script_close(end);
        world.names[i][0] = '\0';
    }
}

int world_teardown(void **state)
{
    (void)state;
    world_stop();
    weft_loop_free(world.loop);
    world_close_nodes();
    assert_int_equal(script_finish(), 0);
    assert_int_equal(fault_live(), 0);
    fault_remove();
    return 0;
}

struct script_end *node_take(const char *name)
{
    world_turns();
    struct script_end *end = script_take(name);
    if (!end)
        fail_msg("nobody connects to %s", name);
    hold(end);
    return end;
}

struct script_end *node_accept(const char *name)
{
    struct script_end *end = node_take(name);
    expect_commands(end, "PING");
    node_say(end, "+PONG\r\n");
    return end;
}

/* Reads one command, "*N\r\n$n\r\n...", from text; returns its bytes. */
static size_t read_command(const char *text, size_t size, char *dst, size_t room)
{
    const char *at = text;
    size_t used = 0;
    char *end;
    assert_true(size > 3 && *at == '*');
    long count = strtol(at + 1, &end, 10);
    at = end + 2;
    for (long i = 0; i < count; i++) {
        assert_true(*at == '$');
        long length = strtol(at + 1, &end, 10);
        at = end + 2;
        used += (size_t)snprintf(dst + used, room - used, "%s%.*s", i ? " " : "", (int)length, at);
        at += length + 2;
        assert_true(at <= text + size && at[-2] == '\r' && at[-1] == '\n');
    }
    return (size_t)(at - text);
}

void expect_commands(struct script_end *node, const char *commands)
{
    char got[4096] = "";
    size_t used = 0, size;

    world_turns();
    const char *text = (const char *)script_received(node, &size);
    for (size_t at = 0; at < size;) {
        if (used > 0)
            got[used++] = '|';
        at += read_command(text + at, size - at, got + used, sizeof got - used - 1);
        used += strlen(got + used);
    }
    script_consume(node, size);
    assert_string_equal(got, commands);
}

void node_say(struct script_end *node, const char *answer)
{
    script_send(node, answer, strlen(answer));
    world_turns();
}

static const char *answer_to(const char *command, const char *map, const char *other,
                             struct served *served)
{
    if (strcmp(command, "PING") == 0)
        return "+PONG\r\n";
    if (strncmp(command, "WAIT", 4) == 0)
        return ":1\r\n";
    bool is_map = strcmp(command, "CLUSTER SLOTS") == 0;
    served->maps += is_map;
    served->others += !is_map;
    return is_map ? map : other;
}

struct served node_serve(struct script_end *node, const char *map, const char *other)
{
    struct served served = {0, 0};
    char command[256];
    size_t size;

    world_turns();
    const char *text = (const char *)script_received(node, &size);
    while (size > 0) {
        size_t used = read_command(text, size, command, sizeof command);
        script_consume(node, used);
        const char *answer = answer_to(command, map, other, &served);
        script_send(node, answer, strlen(answer));
        text = (const char *)script_received(node, &size);
    }
    world_turns();
    return served;
}

void world_serve(const char *map)
{
    struct script_end *end;

    world_turns();
    for (size_t i = 0; i < TEST_NODES; i++)
        while (world.names[i][0] && (end = script_take(world.names[i])))
            hold(end);
    for (size_t i = 0; i < TEST_NODES; i++)
        if (world.ends[i] && script_is_gone(world.ends[i]))
            node_close(world.ends[i]);
        else if (world.ends[i])
            (void)node_serve(world.ends[i], map, "+OK\r\n");
}
