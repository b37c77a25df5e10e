/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "kvc_fixture.h"

static struct kvs server;
const char *url;
char folder[64];

int start_server(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    kvs_start(&server, WORDS("--listen", KVS_ANY_PORT));
    url = server.urls[0];
    return 0;
}

int stop_server(void **state)
{
    (void)state;
    kvs_end(&server);
    scratch_remove(folder);
    return 0;
}

const char *path_of(const char *name)
{
    static char paths[2][128];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

const char *write_file(const char *name, const char *text)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    fclose(file);
    return path;
}

void expect(const char *const *words, int code, const char *out, const char *err)
{
    struct process kvc;
    int got = kvc_run(&kvc, url, words);
    if (got != code || !strstr(kvc.out.text, out) || !strstr(kvc.err.text, err))
        fail_msg("code %d, out '%s', err '%s'", got, kvc.out.text, kvc.err.text);
    process_kill(&kvc);
}
