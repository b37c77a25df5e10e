/* SPDX-License-Identifier: MIT
 *
 * The soak: a real kvs, good clients that verify every reply, and a mob, for so many seconds. Prints
 * figures; exits with 1 where a reply was wrong or lost, an attack got through, a descriptor was
 * left, or kvs did not end well.
 *
 *     soak SECONDS [RUNNER...]    RUNNER: a command that runs kvs, such as valgrind */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "good.h"
#include "mob.h"
#include "samples.h"
#include "server.h"

enum { GOOD = 200, MOB = 6, SECONDS_MAX = 24 * 3600 };

/* The timeouts that kvs is started with. */
#define TIMEOUT (3 * CLOCK_SECOND)

struct soak {
    struct server server;
    char socket_path[64];
    atomic_bool stop_good, stop_mob;
    struct mob_arsenal arsenal;
    struct good good[GOOD];
    struct mob mob[MOB];
    struct samples samples;
    unsigned first_descriptors; /* before anybody came */
};

static void start(struct soak *soak, const char *const *runner)
{
    char unix_url[80];
    snprintf(soak->socket_path, sizeof soak->socket_path, "/tmp/weft-soak-%d.sock", (int)getpid());
    snprintf(unix_url, sizeof unix_url, "unix:%s", soak->socket_path);
    const char *const options[] = {"--threads",
                                   "2",
                                   "--frame-timeout",
                                   "3",
                                   "--write-timeout",
                                   "3",
                                   "--listen",
                                   "tcp://127.0.0.1:0",
                                   "--listen",
                                   "tcp://127.0.0.1:0?codec=raw",
                                   "--listen",
                                   unix_url,
                                   NULL};
    server_start(&soak->server, runner, 3, options);
    soak->first_descriptors = server_usage(&soak->server).descriptors;
    for (unsigned i = 0; i < GOOD; i++) {
        struct good *good = &soak->good[i];
        good->number = i;
        good->url = soak->server.urls[i % 3];
        good->gzip = i % 3 != 1;
        good->stop = &soak->stop_good;
        good->random.state = i;
        good_start(good);
    }
    for (unsigned i = 0; i < MOB; i++) {
        struct mob *mob = &soak->mob[i];
        mob->gzip_url = soak->server.urls[0];
        mob->raw_url = soak->server.urls[1];
        mob->arsenal = &soak->arsenal;
        mob->timeout = TIMEOUT;
        mob->stop = &soak->stop_mob;
        mob->random.state = 1000 + i;
        mob_start(mob);
    }
}

static void join(struct soak *soak)
{
    atomic_store(&soak->stop_mob, true);
    for (unsigned i = 0; i < MOB; i++)
        mob_join(&soak->mob[i]);
    atomic_store(&soak->stop_good, true);
    for (unsigned i = 0; i < GOOD; i++)
        good_join(&soak->good[i]);
}

/* Once everybody has left: how many descriptors are more than before they came. */
static unsigned left_descriptors(struct soak *soak)
{
    unsigned now = 0;
    for (int i = 0; i < 200; i++) {
        now = server_usage(&soak->server).descriptors;
        if (now <= soak->first_descriptors)
            return 0;
        clock_pause(CLOCK_SECOND / 10);
    }
    return now - soak->first_descriptors;
}

/* Returns how many clients failed. */
static int report_good(const struct soak *soak)
{
    struct cli_histogram latency = {0};
    uint64_t replies = 0, connections = 0;
    int failures = 0;
    for (unsigned i = 0; i < GOOD; i++) {
        const struct good *good = &soak->good[i];
        cli_histogram_merge(&latency, &good->latency);
        replies += good->replies;
        connections += good->connections;
        failures += good->failure[0] != '\0';
        if (good->failure[0] != '\0')
            printf("FAILED             %s\n", good->failure);
    }
    printf("replies verified   %" PRIu64 " of %d clients on %" PRIu64 " connections\n", replies,
           GOOD, connections);
    printf("latency of a batch p50 %.2f ms, p99 %.2f ms, max %.2f ms\n",
           (double)cli_histogram_quantile(&latency, 50000) / 1e6,
           (double)cli_histogram_quantile(&latency, 99000) / 1e6, (double)latency.max / 1e6);
    return failures;
}

/* Returns how many attackers found something. */
static int report_mob(const struct soak *soak)
{
    uint64_t sum = 0;
    int failures = 0;
    for (unsigned i = 0; i < MOB; i++) {
        for (size_t k = 0; attacks()[k].name; k++)
            sum += soak->mob[i].thrown[k];
        failures += soak->mob[i].failure[0] != '\0';
        if (soak->mob[i].failure[0] != '\0')
            printf("FAILED             %s\n", soak->mob[i].failure);
    }
    printf("faults thrown      %" PRIu64 ":", sum);
    for (size_t k = 0; attacks()[k].name; k++) {
        uint64_t thrown = 0;
        for (unsigned i = 0; i < MOB; i++)
            thrown += soak->mob[i].thrown[k];
        printf(" %s=%" PRIu64, attacks()[k].name, thrown);
    }
    printf("\n");
    return failures;
}

/* The lines of kvs's log that say what it counted. */
static void report_counts(const struct soak *soak)
{
    char *log = server_log(&soak->server), *rest = log;
    for (const char *line; (line = strsep(&rest, "\n")) != NULL;) {
        const char *counts = strstr(line, "event=counts ");
        if (counts)
            printf("kvs counted        %s\n", counts + strlen("event=counts "));
    }
    free(log);
}

/* Both ends of a thousand connections. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "setrlimit");
}

int main(int argc, char **argv)
{
    static struct soak soak;
    unsigned long seconds = argc >= 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (seconds < 1 || seconds > SECONDS_MAX)
        errx(2, "usage: soak SECONDS [RUNNER...] (1 to %d)", SECONDS_MAX);
    raise_descriptor_limit();
    mob_arsenal_init(&soak.arsenal);
    start(&soak, (const char *const *)&argv[2]);
    samples_take(&soak.samples, &soak.server, (unsigned)seconds);
    join(&soak);
    unsigned left = left_descriptors(&soak);
    int code = server_stop(&soak.server);

    int failures = report_good(&soak) + report_mob(&soak);
    samples_report(&soak.samples);
    printf("descriptors left   %u\n", left);
    report_counts(&soak);
    printf("kvs exited with    %d\n", code);
    if (code != 0)
        printf("%s\n", server_log(&soak.server));
    server_fini(&soak.server);
    mob_arsenal_fini(&soak.arsenal);
    samples_fini(&soak.samples);
    return failures > 0 || left > 0 || code != 0;
}
