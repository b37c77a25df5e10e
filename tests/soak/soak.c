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
#include "endpoints.h"
#include "good.h"
#include "mob.h"
#include "samples.h"
#include "server.h"
#include "tunnel.h"

enum { GOOD = 200, MOB = 6, SECONDS_MAX = 24 * 3600 };

/* The timeouts that kvs is started with. */
#define TIMEOUT (3 * CLOCK_SECOND)

struct soak {
    struct server server;
    struct endpoints_files files;
    atomic_bool stop_good, stop_mob;
    struct mob_arsenal arsenal;
    struct good good[GOOD];
    struct mob mob[MOB];
    struct samples samples;
    unsigned first_descriptors; /* before anybody came */
};

static void start_clients(struct soak *soak)
{
    for (unsigned i = 0; i < GOOD; i++) {
        struct good *good = &soak->good[i];
        unsigned endpoint = i % endpoints_count();
        good->number = i;
        good->url = soak->server.urls[endpoint];
        good->gzip = endpoints()[endpoint].gzip;
        good->stop = &soak->stop_good;
        good->random.state = i;
        good_start(good);
    }
    for (unsigned i = 0; i < MOB; i++) {
        struct mob *mob = &soak->mob[i];
        mob->gzip_url = soak->server.urls[endpoints_pick(true, i)];
        mob->raw_url = soak->server.urls[endpoints_pick(false, i)];
        mob->arsenal = &soak->arsenal;
        mob->timeout = TIMEOUT;
        mob->stop = &soak->stop_mob;
        mob->random.state = 1000 + i;
        mob_start(mob);
    }
}

static void start(struct soak *soak, const char *const *runner)
{
    static const char *const timeouts[] = {"--threads",       "2", "--frame-timeout", "3",
                                           "--write-timeout", "3"};
    enum { TIMEOUTS = sizeof timeouts / sizeof *timeouts };
    const char *options[TIMEOUTS + 2 * ENDPOINTS_MAX + 1] = {NULL};
    size_t count = TIMEOUTS;
    memcpy(options, timeouts, sizeof timeouts);
    endpoints_init(&soak->files);
    for (unsigned i = 0; i < endpoints_count(); i++) {
        options[count++] = "--listen";
        options[count++] = soak->files.urls[i];
    }
    server_start(&soak->server, runner, endpoints_count(), options);
    soak->first_descriptors = server_usage(&soak->server).descriptors;
    tunnels_init(soak->files.ca[0] != '\0' ? soak->files.ca : NULL);
    start_clients(soak);
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

static void report_endpoints(const struct soak *soak)
{
    printf("replies verified on");
    for (unsigned i = 0; i < endpoints_count(); i++) {
        uint64_t replies = 0;
        for (unsigned k = i; k < GOOD; k += endpoints_count())
            replies += soak->good[k].replies;
        printf(" %s=%" PRIu64, endpoints()[i].name, replies);
    }
    printf("\n");
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
    report_endpoints(soak);
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

    const char *wrong = tunnels_fini();

    int failures = report_good(&soak) + report_mob(&soak) + (wrong[0] != '\0');
    if (wrong[0] != '\0')
        printf("FAILED             the server sent %s\n", wrong);
    samples_report(&soak.samples);
    printf("descriptors left   %u\n", left);
    report_counts(&soak);
    printf("kvs exited with    %d\n", code);
    if (code != 0)
        printf("%s\n", server_log(&soak.server));
    server_fini(&soak.server);
    endpoints_fini(&soak.files);
    mob_arsenal_fini(&soak.arsenal);
    samples_fini(&soak.samples);
    return failures > 0 || left > 0 || code != 0;
}
