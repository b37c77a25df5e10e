/* SPDX-License-Identifier: MIT
 *
 * The sandbox, in a child of its own for each probe: what a serving kvs does not need fails inside, and works
 * outside. What the kernel or the build lacks is not probed, which the child finds out as kvs does. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/scratch.h"
#include "programs/kvs/sandbox_private.h"

static char folder[128], inside[192], outside[192];

enum { NEEDS_SECCOMP = 1, NEEDS_LANDLOCK = 2 };

/* Each returns 0 or -errno. */

static int run_a_program(void)
{
    char *const words[] = {(char[]){"true"}, NULL};
    execv("/bin/true", words);
    return -errno;
}

static int make_a_process(void)
{
    /* vfork is a system call of its own, which no allowed one is mistaken for. */
    long pid = syscall(SYS_unshare, 0);
    return pid < 0 ? -errno : 0;
}

static int make_a_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? -errno : 0;
}

static int make_a_datagram_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0) < 0 ? -errno : 0;
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0
               ? -errno
               : 0;
}

static int connect_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
}

static int trace_another(void)
{
    return syscall(SYS_process_vm_writev, getppid(), NULL, 0L, NULL, 0L, 0L) < 0 ? -errno : 0;
}

static int mount_something(void)
{
    return syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0L, NULL) < 0 ? -errno : 0;
}

static int open_file(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int read_a_home(void)
{
    return open_file(outside, O_RDONLY);
}

static int write_elsewhere(void)
{
    return open_file(outside, O_WRONLY);
}

static int write_where_it_may(void)
{
    return open_file(inside, O_WRONLY | O_CREAT | O_TRUNC);
}

static int read_etc(void)
{
    return open_file("/etc/passwd", O_RDONLY);
}

static void *note(void *arg)
{
    *(int *)arg = 1;
    return NULL;
}

static int start_a_thread(void)
{
    pthread_t thread;
    int ran = 0, err = pthread_create(&thread, NULL, note, &ran);
    if (err == 0)
        err = pthread_join(thread, NULL);
    return err == 0 && ran == 1 ? 0 : -err;
}

static int map_memory(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -errno : munmap(page, 4096);
}

static int have_no_new_privileges(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    int found = -ENOENT;
    while (file && fgets(line, sizeof line, file))
        if (strcmp(line, "NoNewPrivs:\t1\n") == 0)
            found = 0;
    if (file)
        fclose(file);
    return found;
}

struct probe {
    const char *name;
    int (*run)(void);
    unsigned needs;
    int expected[2]; /* one of them */
    bool listens;    /* within a sandbox that has this */
};

static const struct probe probes[] = {
    {"run_a_program", run_a_program, NEEDS_SECCOMP, {-EPERM, -EPERM}, false},
    {"make_a_process", make_a_process, NEEDS_SECCOMP, {-EPERM, -EPERM}, false},
    {"make_a_socket", make_a_socket, NEEDS_SECCOMP, {-EPERM, -EPERM}, false},
    {"make_a_datagram_socket", make_a_datagram_socket, NEEDS_SECCOMP, {-EPERM, -EPERM}, true},
    {"listen_somewhere", listen_somewhere, 0, {0, 0}, true},
    {"connect_somewhere", connect_somewhere, NEEDS_SECCOMP, {-EPERM, -EPERM}, true},
    {"trace_another", trace_another, NEEDS_SECCOMP, {-EPERM, -EPERM}, false},
    {"mount_something", mount_something, NEEDS_SECCOMP, {-EPERM, -EPERM}, false},
    {"read_a_home", read_a_home, NEEDS_LANDLOCK, {-EACCES, -EPERM}, false},
    {"write_elsewhere", write_elsewhere, NEEDS_LANDLOCK, {-EACCES, -EPERM}, false},
    {"write_where_it_may", write_where_it_may, 0, {0, 0}, false},
    {"read_etc", read_etc, 0, {0, 0}, false},
    {"start_a_thread", start_a_thread, 0, {0, 0}, false},
    {"map_memory", map_memory, 0, {0, 0}, false},
    {"have_no_new_privileges", have_no_new_privileges, 0, {0, 0}, false},
};

enum { AS_EXPECTED = 0, OTHERWISE = 1, NOT_ENTERED = 2 };

static int in_child(const struct probe *probe)
{
    struct kvs_sandbox sandbox = {.listens = probe->listens};
    char folder_inside[192];
    snprintf(folder_inside, sizeof folder_inside, "%s/inside", folder);
    kvs_sandbox_folder(&sandbox, folder_inside, true);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return NOT_ENTERED;
    int landlock = kvs__landlock_enter(&sandbox), seccomp = kvs__seccomp_enter(&sandbox);
    if (landlock < 0 || seccomp < 0)
        return NOT_ENTERED;
    bool has = !(probe->needs & NEEDS_SECCOMP && seccomp == 0) &&
               !(probe->needs & NEEDS_LANDLOCK && landlock == 0);
    int result = probe->run();
    return !has || result == probe->expected[0] || result == probe->expected[1] ? AS_EXPECTED
                                                                                : OTHERWISE;
}

static void test_what_serving_does_not_need_fails_and_the_rest_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(in_child(&probes[i]));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != AS_EXPECTED)
            fail_msg("%s: status %x", probes[i].name, (unsigned)status);
    }
}

static void test_folders_of_files_are_found(void **state)
{
    (void)state;
    static struct kvs_sandbox sandbox;
    sandbox.count = 0;
    kvs_sandbox_folder_of(&sandbox, "users", false);
    kvs_sandbox_folder_of(&sandbox, "/users", false);
    kvs_sandbox_folder_of(&sandbox, "/etc/kvs/users", true);
    assert_int_equal(sandbox.count, 3);
    assert_string_equal(sandbox.paths[0].path, ".");
    assert_string_equal(sandbox.paths[1].path, "/");
    assert_string_equal(sandbox.paths[2].path, "/etc/kvs");
    assert_true(sandbox.paths[2].writes);
    for (int i = 0; i < KVS_SANDBOX_PATHS; i++)
        kvs_sandbox_folder(&sandbox, "/x", false);
    assert_int_equal(sandbox.count, KVS_SANDBOX_PATHS);
}

static int setup(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(inside, sizeof inside, "%s/inside", folder);
    if (mkdir(inside, 0700) < 0)
        return -1;
    snprintf(inside, sizeof inside, "%s/inside/file", folder);
    snprintf(outside, sizeof outside, "%s/outside", folder);
    return open_file(outside, O_WRONLY | O_CREAT);
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_serving_does_not_need_fails_and_the_rest_works,
                                        setup, teardown),
        cmocka_unit_test(test_folders_of_files_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
