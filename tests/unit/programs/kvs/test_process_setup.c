/* SPDX-License-Identifier: MIT
 *
 * Each test runs in a child, for it changes the process for good. */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "programs/kvs/process.h"

/* Runs check in a child and returns its result. */
static bool in_child(bool (*check)(void))
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(check() ? 0 : 1);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool one_cpu_is_one(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    return sched_setaffinity(0, sizeof one, &one) == 0 && cli_cpu_count() == 1;
}

static void test_cpus_are_those_the_process_may_use(void **state)
{
    (void)state;
    assert_in_range(cli_cpu_count(), 1, (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    assert_true(in_child(one_cpu_is_one));
}

static bool core_limit_is_one_byte(void)
{
    struct rlimit limit;
    cli_forbid_core_dumps();
    return getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur <= 1 && limit.rlim_max <= 1;
}

static void test_core_dumps_are_forbidden_for_good(void **state)
{
    (void)state;
    assert_true(in_child(core_limit_is_one_byte));
}

static void test_unknown_user_is_refused_by_name(void **state)
{
    (void)state;
    struct cli_user user;
    struct weft_error error;
    assert_int_equal(cli_user_find(&user, "no such user", &error), WEFT_ECONFIG);
    assert_string_equal(error.text, "--user: there is no user 'no such user'");
}

static void test_user_is_found_by_name(void **state)
{
    (void)state;
    struct cli_user user = {1, 1};
    assert_int_equal(cli_user_find(&user, "root", NULL), 0);
    assert_int_equal(user.uid, 0);
    assert_int_equal(user.gid, 0);
}

static bool root_is_given_up(void)
{
    const struct cli_user user = {.uid = 65534, .gid = 65534};
    uid_t uid[3];
    gid_t gid[3];
    return cli_user_become(&user, NULL) == 0 && getresuid(&uid[0], &uid[1], &uid[2]) == 0 &&
           getresgid(&gid[0], &gid[1], &gid[2]) == 0 && uid[0] == 65534 && uid[1] == 65534 &&
           uid[2] == 65534 && gid[0] == 65534 && gid[1] == 65534 && gid[2] == 65534 &&
           getgroups(0, NULL) == 0 && seteuid(0) < 0;
}

static bool who_is_not_root_is_refused(void)
{
    const struct cli_user other = {.uid = 12345, .gid = 12345};
    struct weft_error error;
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
        return false;
    return cli_user_become(&other, &error) == -EPERM && strstr(error.text, "only root can");
}

static bool who_is_it_already_may_stay(void)
{
    if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
        return false;
    const struct cli_user same = {.uid = getuid(), .gid = getgid()};
    gid_t group = same.gid;
    bool alone = getgroups(0, NULL) == 0 || (getgroups(1, &group) == 1 && group == same.gid);
    return cli_user_become(&same, NULL) == (alone ? 0 : -EPERM);
}

static bool who_has_other_groups_is_refused(void)
{
    static const gid_t other = 12;
    if (geteuid() == 0 && (setgroups(1, &other) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
        return false;
    const struct cli_user same = {.uid = getuid(), .gid = getgid()};
    return cli_user_become(&same, NULL) == -EPERM;
}

/* Root tests giving up its privileges; any other user, that it cannot become another one. */
static void test_privileges_are_given_up_for_good_or_not_at_all(void **state)
{
    (void)state;
    if (geteuid() == 0)
        assert_true(in_child(root_is_given_up));
    assert_true(in_child(who_is_not_root_is_refused));
}

static void test_becoming_oneself_changes_nothing(void **state)
{
    (void)state;
    assert_true(in_child(who_is_it_already_may_stay));
    if (geteuid() == 0)
        assert_true(in_child(who_has_other_groups_is_refused));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpus_are_those_the_process_may_use),
        cmocka_unit_test(test_core_dumps_are_forbidden_for_good),
        cmocka_unit_test(test_unknown_user_is_refused_by_name),
        cmocka_unit_test(test_user_is_found_by_name),
        cmocka_unit_test(test_privileges_are_given_up_for_good_or_not_at_all),
        cmocka_unit_test(test_becoming_oneself_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
