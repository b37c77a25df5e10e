/* SPDX-License-Identifier: MIT
 *
 * The examples against the installed tree: each is built in an empty folder, with find_package(weft)
 * and with the pkg-config line at the top of its source, and run. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "prefix.h"
#include "lib/kvs.h"
#include "lib/wire.h"

/* How an example is built: a command of sh(1) that leaves $NAME in the folder $OUT, which is empty,
 * from the sources in $FROM. */
static const char with_cmake[] = CMAKE_PATH " -S $FROM -B $OUT && " CMAKE_PATH " --build $OUT";
static const char with_pkg_config[] =
    "mkdir $OUT/from && cp $FROM/* $OUT/from && cd $OUT/from\n"
    "for proto in *.proto; do [ ! -e $proto ] || protoc-c --c_out=. $proto; done\n"
    "cc() { $CC $CFLAGS \"$@\"; }\n"
    "eval \"$(sed -n \"s: \\* *\\(cc .*-o \\)\\($NAME .*\\):\\1$OUT/\\2:p\" $NAME.c)\"";
static const char with_archives[] =
    "mkdir $OUT/from && cp $FROM/* $OUT/from\n"
    "sed -i 's/weft::[a-z]*/&_static/g' $OUT/from/CMakeLists.txt\n" CMAKE_PATH
    " -S $OUT/from -B $OUT && " CMAKE_PATH " --build $OUT\n"
    "if ldd $OUT/$NAME | grep libweft; then false; fi";

struct example {
    const char *folder, *name;
    const char *build; /* one of the above */
};

static struct process server, program;
static char path[512], address[300];

/* Builds it; its program is at `path` then. */
static void build(const struct example *example)
{
    static int number;
    struct process shell;
    char from[512];
    snprintf(path, sizeof path, "%s/built-%d", prefix_path(), number++);
    snprintf(from, sizeof from, SOURCE_FOLDER "/examples/%s", example->folder);
    setenv("OUT", path, 1);
    setenv("FROM", from, 1);
    setenv("NAME", example->name, 1);
    prefix_shell(&shell, "mkdir $OUT");
    process_kill(&shell);
    prefix_shell(&shell, example->build);
    process_kill(&shell);
    snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", example->name);
}

/* Starts a server that says where it listens; that stands in `address` then. */
static void start_server(const char *const *words)
{
    static const char head[] = "listening ";
    char line[300];
    process_start(&server, words);
    process_wait_line(&server, 1, line, sizeof line);
    assert_int_equal(strncmp(line, head, strlen(head)), 0);
    snprintf(address, sizeof address, "%s", line + strlen(head));
    address[strcspn(address, " ")] = 0;
}

static void expect_drained(void)
{
    process_signal(&server, SIGTERM);
    assert_int_equal(process_wait(&server), 0);
}

static int end_programs(void **state)
{
    (void)state;
    process_kill(&server);
    process_kill(&program);
    return 0;
}

static void test_service_counts_words(void **state)
{
    build(*state);
    start_server(WORDS(path, KVS_ANY_PORT "?codec=raw"));
    static const char text[] = "one two\nthree";
    static const char answer[] = "1 3 13\n";
    int fd = wire_connect(address);
    assert_true(fd >= 0);
    assert_int_equal(wire_send_frame(fd, text, strlen(text)), 0);
    struct wire_bytes reply;
    assert_int_equal(wire_receive(fd, false, &reply), 1);
    wire_shutdown(fd);
    assert_int_equal(reply.size, strlen(answer));
    assert_memory_equal(reply.data, answer, reply.size);
    wire_free(&reply);
    expect_drained();
}

/* All in one write, so that they come in one second. */
static void test_layer_refuses_the_third_request_of_a_second(void **state)
{
    build(*state);
    start_server(WORDS(path, KVS_ANY_PORT "?codec=raw&layers=quota&quota=2"));
    int fd = wire_connect(address);
    assert_true(fd >= 0);
    assert_int_equal(wire_send(fd, "\0\0\0\1a\0\0\0\1b\0\0\0\1c", 15), 0);
    static const char *const begins[] = {
        "hello 127.0.0.1:", "hello 127.0.0.1:", "error: at most 2 per second\n"};
    for (size_t i = 0; i < 3; i++) {
        struct wire_bytes reply;
        assert_int_equal(wire_receive(fd, false, &reply), 1);
        assert_true(reply.size >= strlen(begins[i]));
        assert_memory_equal(reply.data, begins[i], strlen(begins[i]));
        wire_free(&reply);
    }
    wire_shutdown(fd);
    expect_drained();
    assert_non_null(strstr(server.out.text, "3 requests, 1 refused, 2 answered\n"));
}

static void expect_lines(int fd, const char *expected)
{
    char got[256];
    size_t size = strlen(expected);
    assert_true(size < sizeof got);
    assert_int_equal(wire_receive_bytes(fd, got, size), 0);
    assert_memory_equal(got, expected, size);
}

static void test_codec_answers_lines_and_survives_one_that_is_too_long(void **state)
{
    build(*state);
    start_server(WORDS(path, KVS_ANY_PORT));
    static char long_line[20001];
    memset(long_line, 'x', sizeof long_line - 1);
    long_line[sizeof long_line - 1] = '\n';
    int fd = wire_connect(address);
    assert_true(fd >= 0);
    assert_int_equal(wire_send(fd, "hello\r\nwor", 10), 0);
    expect_lines(fd, "HELLO\n");
    assert_int_equal(wire_send(fd, "ld\n\n", 4), 0);
    assert_int_equal(wire_send(fd, long_line, sizeof long_line), 0);
    assert_int_equal(wire_send(fd, "again\n", 6), 0);
    expect_lines(fd, "WORLD\n\n(that line is too long)\nAGAIN\n");
    wire_shutdown(fd);
    expect_drained();
}

static void test_client_reads_back_in_order_what_it_wrote(void **state)
{
    build(*state);
    char kvs[400];
    snprintf(kvs, sizeof kvs, "%s/bin/kvs", prefix_path());
    start_server(WORDS(kvs, "--listen", KVS_ANY_PORT));
    assert_int_equal(process_run(&program, WORDS(path, address, "1000")), 0);
    assert_string_equal(program.out.text,
                        "2000 calls, up to 64 under way, every reply in its place\n");
    expect_drained();
}

/* Each reads the counter and writes it with one more, so that it is their sum only if no two were between
 * the lock and its end at once. */
static void test_lock_lets_one_of_eight_contending_clients_in_at_a_time(void **state)
{
    build(*state);
    char kvs[400];
    snprintf(kvs, sizeof kvs, "%s/bin/kvs", prefix_path());
    start_server(WORDS(kvs, "--listen", KVS_ANY_PORT));
    setenv("LOCK", path, 1);
    setenv("URL", address, 1);
    prefix_shell(&program,
                 "clients=\n"
                 "for i in 1 2 3 4 5 6 7 8; do $LOCK $URL 20 & clients=\"$clients $!\"; done\n"
                 "for client in $clients; do wait $client || exit 1; done\n"
                 "[ \"$($PREFIX/bin/kvc --server $URL --raw hget lock-example counter)\" = 160 ]\n"
                 "[ \"$($PREFIX/bin/kvc --server $URL hexist lock-example lock)\" = false ]");
    expect_drained();
}

static void test_messages_come_back_once_and_in_order(void **state)
{
    build(*state);
    char kvs[400];
    snprintf(kvs, sizeof kvs, "%s/bin/kvs", prefix_path());
    start_server(WORDS(kvs, "--listen", KVS_ANY_PORT));
    assert_int_equal(process_run(&program, WORDS(path, address, "1000")), 0);
    assert_string_equal(program.out.text, "1000 messages, each once and in order\n");
    expect_drained();
}

static void test_frames_become_lines_again_without_a_loop(void **state)
{
    build(*state);
    setenv("FRAMES", path, 1);
    static const char *const codecs[] = {"raw", "length-delimited-gzip"};
    for (size_t i = 0; i < 2; i++) {
        setenv("CODEC", codecs[i], 1);
        prefix_shell(&program, "{ echo one; echo; seq -s ' ' 1 5000; } > $OUT/lines\n"
                               "$FRAMES encode $CODEC < $OUT/lines > $OUT/encoded\n"
                               "$FRAMES decode $CODEC < $OUT/encoded | cmp - $OUT/lines");
        process_kill(&program);
    }
    prefix_shell(&program, "! ldd $FRAMES | grep -E 'libev|protobuf|libweft_core'");
}

/* Three languages on one port: curl for JSON, and Python clients for gRPC and frames. */
static void test_service_of_a_proto_file_answers_grpc_frames_and_json(void **state)
{
    build(*state);
    start_server(WORDS(path, KVS_ANY_PORT "?codec=auto"));
    setenv("URL", address, 1);
    prefix_shell(
        &program,
        "cp $FROM/*.py $OUT && cd $OUT\n" PYTHON_PATH
        " -m grpc_tools.protoc -I$FROM -I$PREFIX/share/weft --python_out=. --grpc_python_out=. "
        "greeter.proto rpc.proto\n"
        "address=${URL#tcp://}\n"
        "for client in \"client.py $address\" \"frames_client.py $(echo $address | tr : ' ')\"; "
        "do\n"
        "  [ \"$(" PYTHON_PATH " $client Ada)\" = \""
        "Hello, Ada!\n"
        "Hello, Ada, for the 1. time!\n"
        "Hello, Ada, for the 2. time!\n"
        "Hello, Ada, for the 3. time!\" ] || exit 1\n"
        "done\n"
        "ask() { curl -sS -H 'Content-Type: application/json' -d \"$2\" "
        "http${URL#tcp}/greeter.Greeter/$1; }\n"
        "[ \"$(ask SayHello '{\"name\":\"Ada\"}')\" = '{\"message\":\"Hello, Ada!\"}' ]\n"
        "[ \"$(ask SayHello '{}')\" = '{\"code\":3,\"message\":\"Who is there?\"}' ]\n"
        "[ \"$(ask SayHellos '{\"name\":\"Ada\",\"count\":2}')\" = '"
        "{\"result\":{\"message\":\"Hello, Ada, for the 1. time!\"}}\n"
        "{\"result\":{\"message\":\"Hello, Ada, for the 2. time!\"}}' ]\n"
        "health=http${URL#tcp}/grpc.health.v1.Health/Check\n"
        "curl -sSf -H 'Content-Type: application/json' -d '{}' $health | grep -q '\"SERVING\"'");
    process_kill(&program);
    expect_drained();
}

static const struct row {
    CMUnitTestFunction run;
    const char *name;
    struct example example;
} rows[] = {
    {test_service_counts_words,
     "test_service_counts_words",
     {.folder = "service", .name = "wc_server"}},
    {test_layer_refuses_the_third_request_of_a_second,
     "test_layer_refuses_the_third_request_of_a_second",
     {.folder = "layer", .name = "layer_server"}},
    {test_codec_answers_lines_and_survives_one_that_is_too_long,
     "test_codec_answers_lines_and_survives_one_that_is_too_long",
     {.folder = "codec", .name = "line_server"}},
    {test_client_reads_back_in_order_what_it_wrote,
     "test_client_reads_back_in_order_what_it_wrote",
     {.folder = "client", .name = "pipeline"}},
    {test_lock_lets_one_of_eight_contending_clients_in_at_a_time,
     "test_lock_lets_one_of_eight_contending_clients_in_at_a_time",
     {.folder = "lock", .name = "lock"}},
    {test_messages_come_back_once_and_in_order,
     "test_messages_come_back_once_and_in_order",
     {.folder = "topics", .name = "topics"}},
    {test_service_of_a_proto_file_answers_grpc_frames_and_json,
     "test_service_of_a_proto_file_answers_grpc_frames_and_json",
     {.folder = "rpc", .name = "greeter"}},
    {test_frames_become_lines_again_without_a_loop,
     "test_frames_become_lines_again_without_a_loop",
     {.folder = "frames", .name = "frames"}},
};

static const struct {
    const char *name, *build;
} ways[] = {
    {"with_find_package", with_cmake},
    {"with_pkg_config", with_pkg_config},
    {"with_archives", with_archives},
};

enum { ROWS = sizeof rows / sizeof *rows, WAYS = sizeof ways / sizeof *ways };

int main(void)
{
    static struct example examples[ROWS][WAYS];
    static char names[ROWS][WAYS][128];
    struct CMUnitTest tests[ROWS * WAYS];
    for (size_t i = 0; i < ROWS * WAYS; i++) {
        const struct row *row = &rows[i / WAYS];
        struct example *example = &examples[i / WAYS][i % WAYS];
        char *name = names[i / WAYS][i % WAYS];
        *example = row->example;
        example->build = ways[i % WAYS].build;
        snprintf(name, sizeof names[0][0], "%s_built_%s", row->name, ways[i % WAYS].name);
        tests[i] = (struct CMUnitTest){name, row->run, NULL, end_programs, example};
    }
    return cmocka_run_group_tests(tests, prefix_make, prefix_remove);
}
