/* SPDX-License-Identifier: MIT */
#include "prefix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"

static char scratch[256], prefix[300];

static void set_path(const char *name, const char *below)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s%s", prefix, *below ? "/" : "", below);
    assert_int_equal(setenv(name, path, 1), 0);
}

int prefix_make(void **state)
{
    (void)state;
    scratch_make(scratch, sizeof scratch);
    snprintf(prefix, sizeof prefix, "%s/prefix", scratch);
    set_path("PREFIX", "");
    set_path("CMAKE_PREFIX_PATH", "");
    set_path("LIB", LIBRARY_FOLDER);
    set_path("LD_LIBRARY_PATH", LIBRARY_FOLDER);
    set_path("PKG_CONFIG_PATH", LIBRARY_FOLDER "/pkgconfig");
    setenv("CC", COMPILER_PATH, 1);
    setenv("CXX", CXX_PATH, 1);
    setenv("NM", NM_PATH, 1);
    setenv("SOURCE", SOURCE_FOLDER, 1);
    setenv("CFLAGS", COMPILER_FLAGS, 1);
    setenv("CMAKE_GENERATOR", CMAKE_GENERATOR_NAME, 1);

    struct process install;
    int code =
        process_run(&install, WORDS(CMAKE_PATH, "--install", BUILD_FOLDER, "--prefix", prefix));
    if (code != 0)
        print_error("%s\n", install.err.text);
    process_kill(&install);
    return code;
}

int prefix_remove(void **state)
{
    (void)state;
    struct process rm;
    int code = process_run(&rm, WORDS("/bin/rm", "-rf", scratch));
    process_kill(&rm);
    return code;
}

const char *prefix_path(void)
{
    return prefix;
}

void prefix_shell(struct process *shell, const char *command)
{
    if (process_run(shell, WORDS("/bin/sh", "-e", "-c", command)) != 0)
        fail_msg("%s\n%s%s", command, shell->out.text, shell->err.text);
}
