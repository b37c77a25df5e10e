/* SPDX-License-Identifier: MIT
 *
 * The measurements that a careful operator would ask for. Each scenario does one thing to a kvs of its own and
 * measures what that costs everybody else. Meant for a release build on a quiet machine; exits with
 * 1 where a goal was missed. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "world.h"

static const struct {
    const char *name;
    bool (*run)(void);
} scenarios[] = {
    {"bombs", scenario_bombs},       {"zeros", scenario_zeros},
    {"pairs", scenario_pairs},       {"half-headers", scenario_half_headers},
    {"promises", scenario_promises}, {"descriptors", scenario_descriptors},
    {"drain", scenario_drain},       {"never-reads", scenario_never_reads},
    {"memory", scenario_memory},     {"floods-yamux", scenario_floods_yamux},
#ifdef SCENARIO_GRPC
    {"floods", scenario_floods},     {"windows", scenario_windows},
#endif
};

enum { COUNT = sizeof scenarios / sizeof *scenarios };

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return argc == 1;
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    int missed = 0, ran = 0;
    /* A last word that is a number is the seconds of the scenario that takes as long as it is told. */
    int seconds = argc > 2 ? atoi(argv[argc - 1]) : 0;
    argc -= seconds > 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        err(1, "setrlimit");
    for (int i = 0; i < COUNT; i++) {
        if (!is_wanted(scenarios[i].name, argc, argv))
            continue;
        if (seconds > 0)
            scenario_memory_for(seconds);
        ran++;
        missed += !scenarios[i].run();
    }
    if (ran == 0)
        errx(2, "no such scenario; there are: bombs, zeros, pairs, half-headers, promises, "
                "descriptors, drain, never-reads, memory, floods-yamux, floods, windows");
    return missed > 0;
}
