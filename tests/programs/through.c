/* SPDX-License-Identifier: MIT
 *
 * Lets a test of the wire go through filters: compiled with THROUGH="yamux", "tls", "ws" or "wss" and linked with
 * --wrap=kvs_start,wire_connect, it has kvs listen with that scheme wherever the test says tcp, and the test connects by a
 * tunnel (tests/soak/tunnel.h). The test itself does not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/kvs.h"
#include "lib/scratch.h"
#include "lib/wire.h"
#include "soak/tunnel.h"

enum { URLS = 4, URL_SIZE = 512 };

static const char tcp[] = "tcp://127.0.0.1:0";
static char folder[64];
static unsigned connections; /* through the filter */

/* The linker makes these names of those that it wraps. */
void __real_kvs_start(struct kvs *kvs, const char *const *options);
void __wrap_kvs_start(struct kvs *kvs, const char *const *options);
int __real_wire_connect(const char *url);
int __wrap_wire_connect(const char *url);

static bool has_tls(void)
{
    return strcmp(THROUGH, "tls") == 0 || strcmp(THROUGH, "wss") == 0;
}

static void end(void)
{
    const char *trouble = tunnels_fini();
    if (!*trouble && connections == 0)
        trouble = "nothing went this way";
    if (*trouble)
        fprintf(stderr, "through " THROUGH ": %s\n", trouble);
    scratch_remove(folder);
    if (*trouble)
        _Exit(1);
}

static void begin(void)
{
    char ca[URL_SIZE];
    struct process maker;
    if (*folder)
        return;
    scratch_make(folder, sizeof folder);
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    if (has_tls()) {
        assert_int_equal(process_run(&maker, WORDS(KVS_PATH, "--make-certificate", folder)), 0);
        process_kill(&maker);
    }
    tunnels_init(has_tls() ? ca : NULL);
    atexit(end);
}

static void put_url(char *url, const char *rest)
{
    const char *path = THROUGH[0] == 'w' ? "/" : "";
    if (!has_tls())
        snprintf(url, URL_SIZE, THROUGH "://127.0.0.1:0%s%s", path, rest);
    else
        snprintf(url, URL_SIZE, THROUGH "://127.0.0.1:0%s%s%ccert=%s/server.pem&key=%s/server.key",
                 path, rest, *rest ? '&' : '?', folder, folder);
}

void __wrap_kvs_start(struct kvs *kvs, const char *const *options)
{
    char urls[URLS][URL_SIZE];
    const char *words[PROCESS_WORDS_MAX];
    size_t count = 0, used = 0;
    begin();
    for (; options[count]; count++) {
        words[count] = options[count];
        if (strncmp(options[count], tcp, sizeof tcp - 1) != 0)
            continue;
        assert_true(used < URLS);
        put_url(urls[used], options[count] + sizeof tcp - 1);
        words[count] = urls[used++];
    }
    words[count] = NULL;
    __real_kvs_start(kvs, words);
}

int __wrap_wire_connect(const char *url)
{
    bool plain = strncmp(url, "tcp:", 4) == 0 || strncmp(url, "unix:", 5) == 0;
    if (plain)
        return __real_wire_connect(url);
    connections++;
    return tunnel_connect(url);
}
