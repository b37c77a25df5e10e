/* SPDX-License-Identifier: MIT
 *
 * kvc and the turns that its connection takes while it has more to send. The server is this program,
 * a line at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvc_fixture.h"
#include "lib/listener.h"
#include "lib/wire.h"

enum { LARGE = 20 << 20, RAW_HEADER = 4 };

/* CommandResponses: a refusal, and that of an hset or an hmset of one key. */
static const char too_large[] = "\x08\x9d\x03\x12\x09too large";
static const char stored[] = "\x08\xc8\x01\x1a\x00";

static struct listener server;

static int open_listener(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    listener_open(&server);
    return 0;
}

static int close_listener(void **state)
{
    (void)state;
    scratch_remove(folder);
    return close(server.fd);
}

static void take_request(int fd)
{
    struct wire_bytes request;
    assert_int_equal(wire_receive(fd, false, &request), 1);
    wire_free(&request);
}

static void answer(int fd)
{
    take_request(fd);
    assert_int_equal(wire_send_frame(fd, stored, sizeof stored - 1), 0);
}

/* Ends the connection, and waits until kvc has seen it. */
static void end_connection(int fd)
{
    struct wire_bytes request;
    wire_shutdown(fd);
    assert_int_equal(wire_receive(fd, false, &request), 0);
    close(fd);
}

/* Two rows, the first of LARGE bytes. */
static const char *write_rows(void)
{
    char *rows = malloc(LARGE + 16);
    assert_non_null(rows);
    memcpy(rows, "large,", 6);
    memset(rows + 6, 'x', LARGE);
    memcpy(rows + 6 + LARGE, "\nsmall,1\n", 10);
    const char *path = write_file("rows.csv", rows);
    free(rows);
    return path;
}

/* Starts an import that goes on; it has sent the beginning of the large row, which is refused by its
 * header. Returns the size that is still to come. */
static uint32_t refuse_early(struct process *kvc, const char *timeout, int *fd)
{
    uint8_t header[RAW_HEADER];
    process_start(kvc, WORDS(KVC_PATH, "--server", server.url, "--codec", "raw", "--timeout",
                             timeout, "--keep-going", "import", "t", write_rows()));
    *fd = listener_accept(&server);
    assert_int_equal(wire_receive_bytes(*fd, header, sizeof header), 0);
    assert_int_equal(wire_send_frame(*fd, too_large, sizeof too_large - 1), 0);
    process_wait_error(kvc, ": 413 too large\n");
    return (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 | (uint32_t)header[2] << 8 |
           header[3];
}

static void test_import_goes_on_after_a_refusal_that_overtook_its_row(void **state)
{
    struct process kvc;
    int fd;
    (void)state;
    uint32_t size = refuse_early(&kvc, "100", &fd);
    assert_true(size > LARGE);
    uint8_t *rest = malloc(size);
    assert_non_null(rest);
    assert_int_equal(wire_receive_bytes(fd, rest, size), 0);
    free(rest);
    answer(fd);
    assert_int_equal(process_wait(&kvc), 1);
    assert_non_null(strstr(kvc.out.text, "1 rows stored, "));
    assert_non_null(strstr(kvc.out.text, "; 1 refused\n"));
    process_kill(&kvc);
    close(fd);
}

static void
test_import_goes_on_over_a_new_connection_after_a_refusal_that_ended_the_old(void **state)
{
    struct process kvc;
    int fd;
    (void)state;
    (void)refuse_early(&kvc, "100", &fd);
    close(fd);
    fd = listener_accept(&server);
    answer(fd);
    assert_int_equal(process_wait(&kvc), 1);
    assert_non_null(strstr(kvc.out.text, "1 rows stored, "));
    process_kill(&kvc);
    close(fd);
}

static void test_import_ends_in_time_when_the_server_takes_no_more(void **state)
{
    struct process kvc;
    int fd;
    (void)state;
    (void)refuse_early(&kvc, "3", &fd);
    assert_int_equal(process_wait(&kvc), 4);
    assert_non_null(strstr(kvc.err.text, "rows.csv:2: tcp://127.0.0.1:"));
    assert_non_null(strstr(kvc.err.text, " has neither read nor sent anything for 3 s; --timeout "
                                         "SECONDS waits longer\n"));
    process_kill(&kvc);
    close(fd);
}

static void start_piped(struct process *kvc, const char *command, const char *table)
{
    process_start_piped(kvc, WORDS(KVC_PATH, "--server", server.url, "--codec", "raw", "--timeout",
                                   "100", "--rows", "csv", command, table ? table : "-",
                                   table ? "-" : NULL));
}

static void write_line(struct process *kvc, const char *line)
{
    assert_int_equal(write(kvc->in, line, strlen(line)), strlen(line));
}

static void end_input(struct process *kvc)
{
    close(kvc->in);
    kvc->in = -1;
}

static void test_batch_connects_anew_after_the_server_closed_an_idle_connection(void **state)
{
    struct process kvc;
    char line[64];
    (void)state;
    start_piped(&kvc, "batch", NULL);
    for (size_t i = 1; i <= 3; i++) {
        write_line(&kvc, "hset t k v\n");
        int fd = listener_accept(&server);
        answer(fd);
        process_wait_line(&kvc, i, line, sizeof line);
        close(fd);
    }
    end_input(&kvc);
    assert_int_equal(process_wait(&kvc), 0);
    assert_string_equal(kvc.err.text, "");
    process_kill(&kvc);
}

static void test_import_connects_anew_after_the_server_closed_an_idle_connection(void **state)
{
    struct process kvc;
    (void)state;
    start_piped(&kvc, "import", "t");
    for (int i = 0; i < 3; i++) {
        write_line(&kvc, "k,v\n");
        int fd = listener_accept(&server);
        answer(fd);
        end_connection(fd);
    }
    end_input(&kvc);
    assert_int_equal(process_wait(&kvc), 0);
    assert_non_null(strstr(kvc.out.text, "3 rows stored, "));
    assert_string_equal(kvc.err.text, "");
    process_kill(&kvc);
}

/* The command may have taken effect: it is not sent a second time. */
static void test_batch_does_not_connect_anew_with_a_command_in_flight(void **state)
{
    struct process kvc;
    (void)state;
    start_piped(&kvc, "batch", NULL);
    write_line(&kvc, "hset t k v\n");
    int fd = listener_accept(&server);
    take_request(fd);
    close(fd);
    assert_int_equal(process_wait(&kvc), 5);
    assert_non_null(strstr(kvc.err.text, "standard input:1: tcp://127.0.0.1:"));
    assert_non_null(strstr(kvc.err.text, " closed the connection\n"));
    process_kill(&kvc);
}

static void test_batch_says_that_it_cannot_connect_anew(void **state)
{
    struct process kvc;
    struct listener gone;
    char line[64];
    (void)state;
    listener_open(&gone);
    process_start_piped(&kvc, WORDS(KVC_PATH, "--server", gone.url, "--codec", "raw", "batch"));
    write_line(&kvc, "hset t k v\n");
    int fd = listener_accept(&gone);
    answer(fd);
    process_wait_line(&kvc, 1, line, sizeof line);
    close(gone.fd);
    close(fd);
    write_line(&kvc, "hset t k v\n");
    assert_int_equal(process_wait(&kvc), 3);
    assert_non_null(strstr(kvc.err.text, "standard input:2: cannot connect to tcp://127.0.0.1:"));
    process_kill(&kvc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import_goes_on_after_a_refusal_that_overtook_its_row),
        cmocka_unit_test(
            test_import_goes_on_over_a_new_connection_after_a_refusal_that_ended_the_old),
        cmocka_unit_test(test_import_ends_in_time_when_the_server_takes_no_more),
        cmocka_unit_test(test_batch_connects_anew_after_the_server_closed_an_idle_connection),
        cmocka_unit_test(test_import_connects_anew_after_the_server_closed_an_idle_connection),
        cmocka_unit_test(test_batch_does_not_connect_anew_with_a_command_in_flight),
        cmocka_unit_test(test_batch_says_that_it_cannot_connect_anew),
    };
    return cmocka_run_group_tests(tests, open_listener, close_listener);
}
