/* SPDX-License-Identifier: MIT */
#include "kvs.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* Copies words behind those already there. */
static size_t add_words(const char **all, size_t count, const char *const *words)
{
    for (; *words; words++) {
        assert_true(count < PROCESS_WORDS_MAX - 1);
        all[count++] = *words;
    }
    all[count] = NULL;
    return count;
}

void kvs_start(struct kvs *kvs, const char *const *options)
{
    static const char prefix[] = "listening ";
    const char *words[PROCESS_WORDS_MAX] = {KVS_PATH};
    size_t count = add_words(words, 1, options);
    *kvs = (struct kvs){0};
    for (size_t i = 1; i < count; i++)
        kvs->endpoint_count +=
            strcmp(words[i], "--listen") == 0 || strcmp(words[i], "--config") == 0;
    /* The default port may be somebody else's. */
    assert_in_range(kvs->endpoint_count, 1, KVS_ENDPOINTS_MAX);
    process_start(&kvs->process, words);
    for (size_t i = 0; i < kvs->endpoint_count; i++) {
        char line[sizeof prefix + sizeof kvs->endpoints[i] - 1], *endpoint = kvs->endpoints[i];
        process_wait_line(&kvs->process, i + 1, line, sizeof line);
        assert_int_equal(strncmp(line, prefix, sizeof prefix - 1), 0);
        strcpy(endpoint, line + sizeof prefix - 1);
        assert_true(strcspn(endpoint, " ") < sizeof kvs->urls[i]);
        memcpy(kvs->urls[i], endpoint, strcspn(endpoint, " "));
    }
}

int kvs_stop(struct kvs *kvs)
{
    process_signal(&kvs->process, SIGTERM);
    return process_wait(&kvs->process);
}

void kvs_end(struct kvs *kvs)
{
    assert_int_equal(kvs_stop(kvs), 0);
    kvs_kill(kvs);
}

void kvs_kill(struct kvs *kvs)
{
    process_kill(&kvs->process);
}

int kvc_run(struct process *kvc, const char *url, const char *const *words)
{
    const char *all[PROCESS_WORDS_MAX] = {KVC_PATH, "--server", url, "--timeout", "100"};
    (void)add_words(all, 5, words);
    return process_run(kvc, all);
}

void kvc_expect(const char *url, const char *const *words, const char *out)
{
    struct process kvc;
    int code = kvc_run(&kvc, url, words);
    assert_string_equal(kvc.err.text, "");
    assert_string_equal(kvc.out.text, out);
    assert_int_equal(code, 0);
    process_kill(&kvc);
}

void kvc_expect_error(const char *url, const char *const *words, int code, const char *fragment)
{
    struct process kvc;
    int got = kvc_run(&kvc, url, words);
    assert_one_line(kvc.err.text, fragment);
    assert_string_equal(kvc.out.text, "");
    assert_int_equal(got, code);
    process_kill(&kvc);
}

void assert_one_line(const char *text, const char *fragment)
{
    /* Built for coverage, a program that has become another user cannot write its counts, and libgcov says
     * so behind what the program said. */
    static const char gcov[] = "profiling:";
    const char *end = strchr(text, '\n');
    if (!end || (end[1] != '\0' && strncmp(end + 1, gcov, sizeof gcov - 1) != 0))
        fail_msg("not one line: '%s'", text);
    if (!strstr(text, fragment))
        fail_msg("'%s' is not in: %s", fragment, text);
}
