/* SPDX-License-Identifier: MIT
 *
 * The access log: its templates, its lines over scripted connections, and what it does when its file or its memory
 * fails. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "lib/fault.h"
#include "server_fixture.h"
#include "services/layers/access/private.h"

static struct weft_access *access_log;
static char path[64], text[ACCESS_BUFFER + 1], long_object[101];

static char url[] = "script:server?codec=raw&service=probe&layers=access";

/* 0: no thread can be made. */
static int threads_left = -1;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                          void *arg)
{
    if (threads_left == 0)
        return EAGAIN;
    return __real_pthread_create(thread, attr, run, arg);
}

/* A call asks for the command "set" on what it is named. */
static void on_call(struct probe *probe, const char *name)
{
    struct weft_request *request = probe->calls[probe->call_count - 1].request;
    const bool is_long = strcmp(name, "long") == 0;
    const struct weft_action action = {
        .name = "set",
        .object = weft_view(is_long ? long_object : name, is_long ? 100 : strlen(name))};
    const struct weft_action other = {.name = "other"};
    struct weft_rejection why;
    if (strcmp(name, "nothing") == 0)
        return;
    assert_true(weft_request_ask(request, &action, &why));
    assert_true(weft_request_ask(request, &other, &why)); /* the first one counts */
    request->status = 204;
}

static int set_up(void **state)
{
    threads_left = -1;
    snprintf(path, sizeof path, "/tmp/weft-test-access-%d", (int)getpid());
    unlink(path);
    return server_fixture_setup(state);
}

static int tear_down(void **state)
{
    int err = server_fixture_teardown(state);
    weft_access_close(access_log);
    access_log = NULL;
    unlink(path);
    return err;
}

#define TEST_ACCESS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void open_log(struct server_fixture *f, const char *template)
{
    assert_int_equal(
        weft_access_open(&access_log, path, template, f ? &f->log : NULL, &(struct weft_error){0}),
        0);
}

static size_t read_file(void)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file), lines = 0;
    text[size] = '\0';
    fclose(file);
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Returns what the file holds, once the thread has brought so many lines there. */
static const char *wait_for_lines(size_t lines)
{
    while (read_file() < lines)
        sched_yield();
    return text;
}

/* Ends the log; returns what the file holds. */
static const char *close_log(void)
{
    weft_access_close(access_log);
    access_log = NULL;
    (void)read_file();
    return text;
}

static struct test_peer *serve(struct server_fixture *f, const char *template)
{
    open_log(f, template);
    f->probe.on_call = on_call;
    assert_int_equal(weft_registry_add_layer(&f->registry, &weft_access_layer, access_log), 0);
    f->urls[0] = url;
    return serve_one(f);
}

static void test_line_has_what_the_template_names(void **state)
{
    struct server_fixture *f = *state;
    struct test_peer *peer =
        serve(f, "$conn|$peer|$user|$command|$object|$status|$request|$bytes|$$");
    peer_say(peer, "now \"t\"", "now nothing");
    assert_string_equal(wait_for_lines(2), "1|script|\"\"|set|\"\\\"t\\\"\"|204|7|3|$\n"
                                           "1|script|\"\"|-|\"\"|0|11|7|$\n");
}

static void test_usual_line_has_time_and_duration(void **state)
{
    struct server_fixture *f = *state;
    int year, month, day, hour, minute, second, ms, end = 0;
    unsigned long us;
    peer_say(serve(f, NULL), "now t");
    const char *line = wait_for_lines(1);
    assert_int_equal(sscanf(line,
                            "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ conn=1 peer=script user=\"\" "
                            "command=set object=\"t\" status=204 request=5 bytes=1 us=%lu%n",
                            &year, &month, &day, &hour, &minute, &second, &ms, &us, &end),
                     8);
    assert_string_equal(line + end, "\n");
}

static void test_long_object_is_cut(void **state)
{
    struct server_fixture *f = *state;
    char expected[110];
    memset(long_object, 'n', 100);
    peer_say(serve(f, "$object"), "now long");
    snprintf(expected, sizeof expected, "\"%.47s\"\n", long_object);
    assert_string_equal(wait_for_lines(1), expected);
}

static void test_layer_needs_a_log(void **state)
{
    struct server_fixture *f = *state;
    assert_int_equal(weft_registry_add_layer(&f->registry, &weft_access_layer, NULL), 0);
    f->urls[0] = url;
    f->options.url_count = 1;
    assert_int_equal(weft_server_new(&f->server, &f->options, &f->error), WEFT_ECONFIG);
    assert_non_null(strstr(f->error.text, "layer access: this program has no file for it"));
}

static void expect_refused(const char *template, const char *expected)
{
    struct weft_error error = {0};
    assert_int_equal(weft_access_check(template, &error), WEFT_ECONFIG);
    assert_string_equal(error.text, expected);
}

static void test_template_with_an_unknown_name_is_refused(void **state)
{
    char many[2 * ACCESS_PIECES + 8] = "";
    (void)state;
    expect_refused("$peer $remote_addr",
                   "the template has no '$remote'; there are: $time, $conn, $peer, $user, "
                   "$command, $object, $status, $request, $bytes, $us, $$");
    expect_refused("$", "the template has no '$'; there are: $time, $conn, $peer, $user, $command, "
                        "$object, $status, $request, $bytes, $us, $$");
    for (int i = 0; i <= ACCESS_PIECES; i++)
        strcat(many, "$$");
    expect_refused(many, "the template has more than 64 parts");
    memset(many, 'x', sizeof many - 1);
    assert_int_equal(weft_access_check(many, &(struct weft_error){0}), 0);
    assert_int_equal(weft_access_check(weft_access_default, &(struct weft_error){0}), 0);
}

static void test_line_that_is_too_long_is_cut(void **state)
{
    static char template[3 * ACCESS_LINE];
    struct access_template made;
    char line[ACCESS_LINE];
    (void)state;
    memset(template, 'x', sizeof template - 1);
    assert_int_equal(access_template_init(&made, template, &(struct weft_error){0}), 0);
    assert_int_equal(access_template_write(&made, &(struct access_entry){0}, line), ACCESS_LINE);
    assert_int_equal(line[ACCESS_LINE - 1], '\n');
    access_template_fini(&made);
}

static void test_file_that_cannot_be_opened_is_refused(void **state)
{
    struct weft_error error = {0};
    (void)state;
    assert_int_equal(weft_access_open(&access_log, "/nowhere/access", NULL, NULL, &error), -ENOENT);
    assert_non_null(strstr(error.text, "access log: cannot open /nowhere/access: "));
    assert_int_equal(weft_access_open(&access_log, path, "$no", NULL, &error), WEFT_ECONFIG);
    assert_null(access_log);
}

/* Adds lines of 1 KiB until one more does not fit, while no thread takes them. */
static void test_lines_that_find_no_room_are_counted(void **state)
{
    struct server_fixture *f = *state;
    char line[1024];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    threads_left = 0;
    open_log(f, NULL);
    struct access_buffer *buffer = access_buffer_new(access_log);
    assert_non_null(buffer);
    for (size_t i = 0; i < ACCESS_BUFFER / sizeof line + 7; i++)
        access_buffer_add(access_log, buffer, line, sizeof line);
    assert_int_equal(buffer->left_out, 7);
    threads_left = -1; /* the next one starts it */
    access_buffer_add(access_log, buffer, line, sizeof line);
    while (weft_access_left_out(access_log) == 0)
        continue;
    assert_int_equal(weft_access_left_out(access_log), 8);
    assert_int_equal(strlen(close_log()), ACCESS_BUFFER);
}

static void test_lines_are_lost_where_the_file_takes_none(void **state)
{
    struct server_fixture *f = *state;
    assert_int_equal(
        weft_access_open(&access_log, "/dev/full", NULL, &f->log, &(struct weft_error){0}), 0);
    struct access_buffer *buffer = access_buffer_new(access_log);
    access_buffer_add(access_log, buffer, "one\n", 4);
    while (weft_access_left_out(access_log) == 0)
        continue;
    assert_int_equal(weft_access_left_out(access_log), 1);
}

static void test_file_is_opened_anew(void **state)
{
    char moved[80];
    struct stat st;
    (void)state;
    open_log(NULL, NULL);
    struct access_buffer *buffer = access_buffer_new(access_log);
    snprintf(moved, sizeof moved, "%s.1", path);
    assert_int_equal(rename(path, moved), 0);
    assert_int_equal(weft_access_prepare(access_log, &(struct weft_error){0}), 0);
    weft_access_abandon(access_log);
    assert_int_equal(weft_access_prepare(access_log, &(struct weft_error){0}), 0);
    weft_access_commit(access_log);
    access_buffer_add(access_log, buffer, "one\n", 4);
    assert_string_equal(close_log(), "one\n");
    assert_int_equal(stat(moved, &st), 0);
    assert_int_equal(st.st_size, 0);
    unlink(moved);
}

static void test_file_that_cannot_be_opened_anew_stays(void **state)
{
    struct weft_error error = {0};
    (void)state;
    open_log(NULL, NULL);
    struct access_buffer *buffer = access_buffer_new(access_log);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(weft_access_prepare(access_log, &error), -EISDIR);
    access_buffer_add(access_log, buffer, "one\n", 4);
    weft_access_close(access_log);
    access_log = NULL;
    assert_int_equal(rmdir(path), 0);
}

static void open_and_close(void *arg)
{
    struct weft_access *made;
    (void)arg;
    int err = weft_access_open(&made, path, NULL, NULL, &(struct weft_error){0});
    if (err == 0 && access_buffer_new(made) == NULL)
        err = -ENOMEM;
    assert_int_equal(err, fault_failed() > 0 ? -ENOMEM : 0);
    weft_access_close(made);
}

static void test_log_survives_every_failing_allocation(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/weft-test-access-%d", (int)getpid());
    fault_each(open_and_close, NULL);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ACCESS(test_line_has_what_the_template_names),
        TEST_ACCESS(test_usual_line_has_time_and_duration),
        TEST_ACCESS(test_long_object_is_cut),
        TEST_ACCESS(test_layer_needs_a_log),
        cmocka_unit_test(test_template_with_an_unknown_name_is_refused),
        cmocka_unit_test(test_line_that_is_too_long_is_cut),
        TEST_ACCESS(test_file_that_cannot_be_opened_is_refused),
        TEST_ACCESS(test_lines_that_find_no_room_are_counted),
        TEST_ACCESS(test_lines_are_lost_where_the_file_takes_none),
        TEST_ACCESS(test_file_is_opened_anew),
        TEST_ACCESS(test_file_that_cannot_be_opened_anew_stays),
        cmocka_unit_test(test_log_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
