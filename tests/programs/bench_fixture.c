/* SPDX-License-Identifier: MIT */
#include "bench_fixture.h"

#include <stdio.h>
#include <string.h>

struct kvs server;
char gzip_socket[128], raw_socket[128];
struct process kvc;
json_t *json;

static char folder[64];

int bench_start_server(void **state)
{
    (void)state;
    scratch_make(folder, sizeof folder);
    snprintf(gzip_socket, sizeof gzip_socket, "unix:%s/gzip", folder);
    snprintf(raw_socket, sizeof raw_socket, "unix:%s/raw?codec=raw", folder);
    kvs_start(&server,
              WORDS("--threads", "2", "--listen", KVS_ANY_PORT, "--listen",
                    KVS_ANY_PORT "?codec=raw", "--listen", gzip_socket, "--listen", raw_socket));
    return 0;
}

int bench_stop_server(void **state)
{
    (void)state;
    int code = kvs_stop(&server);
    kvs_kill(&server);
    scratch_remove(folder);
    return code;
}

int bench_end(void **state)
{
    (void)state;
    json_decref(json);
    json = NULL;
    process_kill(&kvc);
    return 0;
}

int run(const char *url, const char *const *words)
{
    const char *all[PROCESS_WORDS_MAX] = {"bench", "--warmup", "0"};
    for (size_t i = 0; words[i]; i++)
        all[3 + i] = words[i];
    process_kill(&kvc);
    return kvc_run(&kvc, url, all);
}

void expect(const char *url, const char *const *words, int code, const char *out, const char *err)
{
    int got = run(url, words);
    if (got != code || !strstr(kvc.out.text, out) || !strstr(kvc.err.text, err))
        fail_msg("code %d, out '%s', err '%s'", got, kvc.out.text, kvc.err.text);
}

void run_json(const char *url, int code, const char *const *words)
{
    json_error_t error;
    int got = run(url, words);
    json_decref(json);
    json = json_loads(kvc.out.text, 0, &error);
    if (got != code || !json)
        fail_msg("code %d, out '%s', err '%s'", got, kvc.out.text, kvc.err.text);
}

json_int_t count(const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

json_int_t command_count(const char *command, const char *name)
{
    json_t *commands = json_object_get(json, "commands");
    return json_integer_value(json_object_get(json_object_get(commands, command), name));
}

double ratio(const char *way)
{
    return json_number_value(json_object_get(json_object_get(json, way), "ratio"));
}

json_int_t bytes(const char *way, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(json, way), name));
}

void assert_whole(json_int_t requests)
{
    json_t *commands = json_object_get(json, "commands"), *command;
    json_int_t sum = 0;
    const char *name;
    json_object_foreach(commands, name, command)
    {
        sum += json_integer_value(json_object_get(command, "requests"));
    }
    assert_int_equal(sum, requests);
    assert_int_equal(count("requests"), requests);
    assert_int_equal(count("wrong") + count("missing") + count("refused"), 0);
    assert_int_equal(json_object_size(json_object_get(json, "statuses")), 0);
    assert_string_equal(kvc.err.text, "");
}
