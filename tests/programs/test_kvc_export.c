/* SPDX-License-Identifier: MIT
 *
 * An export leaves a whole file behind, or the old one and nothing else. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "kvc_fixture.h"
#include "lib/listener.h"
#include "lib/wire.h"

static const char precious[] = "precious,1\n";

/* A page in the codec raw: status 200, the key "k" with the string "v", the cursor "c". */
static const char page[] = "\0\0\0\x10\x08\xc8\x01\x22\x08\x0a\x01k\x12\x03\x0a\x01v\x2a\x01"
                           "c";

static void expect_content(const char *path, const char *content)
{
    char text[256];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, content);
}

/* No file that an export began is left in the folder. */
static void expect_no_litter(void)
{
    DIR *all = opendir(folder);
    assert_non_null(all);
    for (const struct dirent *entry; (entry = readdir(all));)
        assert_int_not_equal(strncmp(entry->d_name, ".kvc", 4), 0);
    closedir(all);
}

/* Exports to a file that has content and expects that it still has. */
static void expect_kept(const char *const *words, int code, const char *err)
{
    expect(words, code, "", err);
    expect_content(path_of("backup.csv"), precious);
    expect_no_litter();
}

static void test_export_that_fails_leaves_the_old_file(void **state)
{
    (void)state;
    const char *path = write_file("backup.csv", precious), *all = url;
    char codec[256];
    expect_kept(WORDS("export", "tt", path), 1,
                "kvc: there is no table \"tt\"; nothing was written\n");
    snprintf(codec, sizeof codec, "%s?codec=nope", url);
    url = codec;
    expect_kept(WORDS("export", "t", path), 2, "unknown codec");
    url = "unix:/nowhere/kvs.sock";
    expect_kept(WORDS("export", "t", path), 3, "unix:/nowhere/kvs.sock");
    url = all;
}

static void test_export_of_a_table_that_is_not_there_makes_no_file(void **state)
{
    (void)state;
    const char *path = path_of("new.csv");
    expect(WORDS("export", "none", path), 1, "", "there is no table \"none\"");
    assert_int_equal(access(path, F_OK), -1);
    expect(WORDS("export", "none"), 1, "", "there is no table \"none\"");
    expect_no_litter();
}

/* A server that answers one page and then nothing. */
static void test_export_without_an_answer_leaves_the_old_file(void **state)
{
    (void)state;
    struct listener listener;
    struct process kvc;
    struct wire_bytes request;
    const char *path = write_file("backup.csv", precious);
    listener_open(&listener);
    process_start(&kvc, WORDS(KVC_PATH, "--server", listener.url, "--codec", "raw", "--timeout",
                              "0.5", "export", "t", path));
    int fd = listener_accept(&listener);
    assert_int_equal(wire_receive(fd, false, &request), 1);
    wire_free(&request);
    assert_int_equal(write(fd, page, sizeof page - 1), sizeof page - 1);
    assert_int_equal(process_wait(&kvc), 4);
    assert_non_null(strstr(kvc.err.text, "; nothing was written to "));
    process_kill(&kvc);
    close(fd);
    close(listener.fd);
    expect_content(path, precious);
    expect_no_litter();
}

/* The signal comes while the second page is waited for. */
static void end_export(int number)
{
    struct listener listener;
    struct process kvc;
    struct wire_bytes request;
    const char *path = write_file("backup.csv", precious);
    listener_open(&listener);
    process_start(&kvc, WORDS(KVC_PATH, "--server", listener.url, "--codec", "raw", "--timeout",
                              "100", "export", "t", path));
    int fd = listener_accept(&listener);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(wire_receive(fd, false, &request), 1);
        wire_free(&request);
        if (i == 0)
            assert_int_equal(write(fd, page, sizeof page - 1), sizeof page - 1);
    }
    process_signal(&kvc, number);
    assert_int_equal(process_wait(&kvc), 128 + number);
    assert_one_line(kvc.err.text, "kvc: interrupted; nothing was written to ");
    process_kill(&kvc);
    close(fd);
    close(listener.fd);
    expect_content(path, precious);
    expect_no_litter();
}

static void test_export_that_a_signal_ends_leaves_the_old_file(void **state)
{
    (void)state;
    end_export(SIGINT);
    end_export(SIGTERM);
    end_export(SIGHUP);
    end_export(SIGQUIT);
}

static void test_export_replaces_the_file_that_a_link_names_and_keeps_its_mode(void **state)
{
    (void)state;
    struct stat status;
    char link[128];
    kvc_expect(url, WORDS("hset", "linked", "k", "v"), "\n");
    const char *path = write_file("target.csv", precious);
    assert_int_equal(chmod(path, 0604), 0);
    snprintf(link, sizeof link, "%s/link.csv", folder);
    assert_int_equal(symlink("target.csv", link), 0);
    expect(WORDS("export", "linked", link), 0, "", "1 rows written, 4 bytes in ");
    expect_content(path_of("target.csv"), "k,v\n");
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(stat(link, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0604);
    expect_no_litter();
}

/* /dev/stdout may be a file that somebody appends to: it is neither replaced nor emptied. */
static void test_export_to_dev_stdout_appends_where_the_shell_does(void **state)
{
    (void)state;
    struct process shell;
    char line[512];
    kvc_expect(url, WORDS("hset", "appended", "k", "v"), "\n");
    const char *path = write_file("log.csv", precious);
    snprintf(line, sizeof line, "%s --server '%s' --rows csv export appended /dev/stdout >> %s",
             KVC_PATH, url, path);
    assert_int_equal(process_run(&shell, WORDS("/bin/sh", "-c", line)), 0);
    process_kill(&shell);
    expect_content(path, "precious,1\nk,v\n");
    snprintf(line, sizeof line, "%s --server '%s' --rows csv export appended /dev/fd/7 7>> %s",
             KVC_PATH, url, path);
    assert_int_equal(process_run(&shell, WORDS("/bin/sh", "-c", line)), 0);
    process_kill(&shell);
    expect_content(path, "precious,1\nk,v\nk,v\n");
}

static void test_export_to_a_fifo_writes_to_its_reader(void **state)
{
    (void)state;
    struct process shell;
    char line[512];
    kvc_expect(url, WORDS("hset", "fifo", "k", "v"), "\n");
    snprintf(line, sizeof line,
             "cd %s && mkfifo f && (%s --server '%s' --rows csv export fifo f & cat f; wait)",
             folder, KVC_PATH, url);
    assert_int_equal(process_run(&shell, WORDS("/bin/sh", "-c", line)), 0);
    assert_string_equal(shell.out.text, "k,v\n");
    process_kill(&shell);
}

static bool sleeps(pid_t pid)
{
    char name[64], state = '\0';
    snprintf(name, sizeof name, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %*s %c", &state), 1);
    fclose(file);
    return state == 'S';
}

/* The pipe is full and nobody reads it: a write that waits is interrupted, and not tried again. */
static void test_export_whose_reader_stopped_ends_on_sigterm(void **state)
{
    enum { ROWS = 2000 };
    (void)state;
    struct process kvc;
    const char *path = path_of("much.csv");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "key %d,%0*d\n", i, 500, i);
    fclose(file);
    expect(WORDS("import", "much", path), 0, "2000 rows stored", "");
    process_start(&kvc, WORDS(KVC_PATH, "--server", url, "export", "much"));
    int capacity = fcntl(kvc.out.fd, F_GETPIPE_SZ), waiting = 0;
    while (waiting < capacity || !sleeps(kvc.pid))
        assert_int_equal(ioctl(kvc.out.fd, FIONREAD, &waiting), 0);
    process_signal(&kvc, SIGTERM);
    assert_int_equal(process_wait(&kvc), 143);
    assert_non_null(strstr(kvc.err.text, "kvc: interrupted\n"));
    process_kill(&kvc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export_that_fails_leaves_the_old_file),
        cmocka_unit_test(test_export_of_a_table_that_is_not_there_makes_no_file),
        cmocka_unit_test(test_export_without_an_answer_leaves_the_old_file),
        cmocka_unit_test(test_export_that_a_signal_ends_leaves_the_old_file),
        cmocka_unit_test(test_export_replaces_the_file_that_a_link_names_and_keeps_its_mode),
        cmocka_unit_test(test_export_to_dev_stdout_appends_where_the_shell_does),
        cmocka_unit_test(test_export_to_a_fifo_writes_to_its_reader),
        cmocka_unit_test(test_export_whose_reader_stopped_ends_on_sigterm),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
