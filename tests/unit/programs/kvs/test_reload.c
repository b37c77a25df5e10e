/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/compiler.h"
#include "programs/kvs/reload.h"

/* A part that notes each call in one line of text. */
struct part {
    struct kvs_reloader reloader;
    char *calls;
    const char *refusal, *changes, *restart;
};

static void say(struct part *part, const char *what)
{
    sprintf(part->calls + strlen(part->calls), "%s %s;", what, part->reloader.name);
}

static int prepare(void *context, struct kvs_reload *reload, struct weft_error *error)
{
    struct part *part = context;
    say(part, "prepare");
    if (part->refusal)
        return weft_error_set(error, -ENOENT, "%s", part->refusal);
    if (part->changes)
        kvs_reload_changes(reload, part->changes);
    if (part->restart)
        kvs_reload_needs_restart(reload, part->restart);
    return 0;
}

static void commit(void *context)
{
    say(context, "commit");
}

static void abandon(void *context)
{
    say(context, "abandon");
}

struct fixture {
    struct kvs_reload reload;
    struct part users, settings, certificates;
    struct weft_log log;
    int pipe[2];
    char calls[256], text[1024];
};

static void part_init(struct fixture *fixture, struct part *part, const char *name)
{
    *part = (struct part){.calls = fixture->calls};
    part->reloader = (struct kvs_reloader){
        .name = name, .context = part, .prepare = prepare, .commit = commit, .abandon = abandon};
    kvs_reload_add(&fixture->reload, &part->reloader);
}

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    assert_int_equal(pipe2(fixture.pipe, O_NONBLOCK), 0);
    fixture.log = (struct weft_log){.level = WEFT_LOG_INFO, .fd = fixture.pipe[1]};
    part_init(&fixture, &fixture.users, "users");
    part_init(&fixture, &fixture.settings, "settings");
    part_init(&fixture, &fixture.certificates, "certificates");
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    close(fixture->pipe[0]);
    close(fixture->pipe[1]);
    return 0;
}

static void read_log(struct fixture *fixture)
{
    ssize_t size = read(fixture->pipe[0], fixture->text, sizeof fixture->text - 1);
    fixture->text[size > 0 ? size : 0] = '\0';
}

static int run(struct fixture *fixture, struct weft_error *error)
{
    int err = kvs_reload_run(&fixture->reload, &fixture->log, "SIGHUP", error);
    read_log(fixture);
    return err;
}

static void test_reload_prepares_all_before_it_commits_any(void **state)
{
    struct fixture *fixture = *state;
    struct weft_error error;
    assert_int_equal(run(fixture, &error), 0);
    assert_string_equal(fixture->calls, "prepare users;prepare settings;prepare certificates;"
                                        "commit users;commit settings;commit certificates;");
    assert_non_null(
        strstr(fixture->text, "level=info event=reload asked=SIGHUP changed=\"nothing\"\n"));
}

static void test_reload_that_one_part_refuses_changes_none_and_says_why_in_one_line(void **state)
{
    struct fixture *fixture = *state;
    struct weft_error error;
    fixture->users.changes = "users";
    fixture->certificates.refusal = "/x: line 3: no \"key\"";
    assert_int_equal(run(fixture, &error), -ENOENT);
    assert_string_equal(fixture->calls, "prepare users;prepare settings;prepare certificates;"
                                        "abandon users;abandon settings;");
    assert_string_equal(error.text, "certificates: /x: line 3: no \"key\"");
    assert_non_null(strstr(fixture->text,
                           "level=error event=reload-failed asked=SIGHUP part=certificates "
                           "cause=\"/x: line 3: no 'key'\" changed=nothing\n"));
    assert_ptr_equal(strchr(fixture->text, '\n'), fixture->text + strlen(fixture->text) - 1);
}

static void test_reload_names_what_changed_and_what_needs_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct weft_error error;
    fixture->users.changes = "users";
    fixture->settings.changes = "log-level";
    fixture->settings.restart = "threads";
    fixture->certificates.changes = "users";
    fixture->certificates.restart = "store";
    assert_int_equal(run(fixture, &error), 0);
    assert_non_null(strstr(fixture->text, "changed=\"users,log-level\"\n"));
    assert_non_null(
        strstr(fixture->text, "level=warn event=reload-restart settings=\"threads,store\"\n"));
    fixture->users.changes = fixture->settings.changes = fixture->certificates.changes = NULL;
    assert_int_equal(run(fixture, &error), 0);
    assert_non_null(strstr(fixture->text, "changed=\"nothing\"\n"));
}

static void tell(void *context, void (*line)(void *arg, const char *text, bool alarms), void *arg)
{
    (void)context;
    line(arg, "thing=one", false);
    line(arg, "thing=two", true);
}

static void test_parts_tell_what_is_in_force(void **state)
{
    struct fixture *fixture = *state;
    fixture->certificates.reloader.tell = tell;
    kvs_reload_log(&fixture->reload, &fixture->log);
    read_log(fixture);
    assert_non_null(strstr(fixture->text, "level=info event=certificates thing=one\n"));
    assert_non_null(strstr(fixture->text, "level=warn event=certificates thing=two\n"));
}

static void test_reload_names_as_many_as_fit_and_then_dots(void **state)
{
    struct fixture *fixture = *state;
    char name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "setting-%d", i);
        kvs_reload_changes(&fixture->reload, name);
    }
    size_t length = strlen(fixture->reload.changed);
    assert_in_range(length, KVS_RELOAD_NAMES - 20, KVS_RELOAD_NAMES - 1);
    assert_string_equal(fixture->reload.changed + length - 4, ",...");
}

static void test_part_that_was_removed_is_not_reloaded(void **state)
{
    struct fixture *fixture = *state;
    struct weft_error error;
    kvs_reload_remove(&fixture->reload, &fixture->settings.reloader);
    kvs_reload_remove(&fixture->reload, &fixture->settings.reloader);
    assert_int_equal(run(fixture, &error), 0);
    assert_string_equal(fixture->calls,
                        "prepare users;prepare certificates;commit users;commit certificates;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reload_prepares_all_before_it_commits_any, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_reload_that_one_part_refuses_changes_none_and_says_why_in_one_line, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(test_reload_names_what_changed_and_what_needs_a_restart,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reload_names_as_many_as_fit_and_then_dots, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_parts_tell_what_is_in_force, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_part_that_was_removed_is_not_reloaded, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
