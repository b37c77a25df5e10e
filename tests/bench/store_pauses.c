/* SPDX-License-Identifier: MIT
 *
 * Measures how long the store holds its thread while a table grows to ten million entries and is
 * emptied again: the longest turn of 64 operations, what it frees at its end included, in CPU time of the thread
 * and by the clock. The work is the same in every round, so what a turn takes in all of them is its
 * own, and the rest is the machine's.
 *
 *   store_pauses weft|blocks [ENTRIES [ROUNDS]]       10 million, 5
 *
 * `blocks` takes and gives back the same memory without a store: what malloc does with it. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_design.h"
#include "work.h"

enum { VALUE_SIZE = 64, ENTRIES = 10000000, ROUNDS = 5 };

/* Coprime to the number of entries: its multiples are all keys, in no order. */
enum { STRIDE = 7654321 };

struct phase {
    const char *name;
    bool removes;
    uint32_t stride;
};

static const struct phase phases[] = {
    {"set, new keys", false, 1},
    {"set, present keys", false, STRIDE},
    {"delete, in order", true, 1},
    {"set, new keys in any order", false, STRIDE},
    {"delete, in any order", true, STRIDE},
};

enum { PHASES = sizeof phases / sizeof *phases };

static const struct design *design;
static uint8_t value[VALUE_SIZE];
static uint32_t entries, turns;
static uint32_t *least; /* nanoseconds of CPU of each turn, the least of the rounds so far */

struct progress {
    const struct phase *phase;
    uint32_t next;
};

static void run_turn(void *arg)
{
    struct progress *progress = arg;
    for (int i = 0; i < DESIGN_TURN && progress->next < entries; i++) {
        uint8_t key[DESIGN_KEY_SIZE];
        uint64_t place = (uint64_t)progress->next++ * progress->phase->stride;
        struct weft_view view = design_key(place % entries, key);
        if (progress->phase->removes)
            design->del(0, view);
        else
            design->set(0, view, weft_view(value, sizeof value));
    }
}

static void print_ms(const char *what, int64_t ns)
{
    printf(", %s %.3f ms", what, (double)ns / 1e6);
}

static void run_phase(const struct phase *phase, uint32_t *of_turn)
{
    struct progress progress = {.phase = phase};
    int64_t longest_cpu = 0, longest = 0, all = design_now(CLOCK_THREAD_CPUTIME_ID);
    for (uint32_t i = 0; i < turns; i++) {
        int64_t cpu = design_now(CLOCK_THREAD_CPUTIME_ID), clock = design_now(CLOCK_MONOTONIC);
        design->turn(0, run_turn, &progress);
        clock = design_now(CLOCK_MONOTONIC) - clock;
        cpu = design_now(CLOCK_THREAD_CPUTIME_ID) - cpu;
        longest_cpu = cpu > longest_cpu ? cpu : longest_cpu;
        longest = clock > longest ? clock : longest;
        uint32_t ns = cpu < UINT32_MAX ? (uint32_t)cpu : UINT32_MAX;
        of_turn[i] = ns < of_turn[i] ? ns : of_turn[i];
    }
    all = design_now(CLOCK_THREAD_CPUTIME_ID) - all;
    printf("  %s: %.0f ns an operation", phase->name, (double)all / entries);
    print_ms("longest turn", longest_cpu);
    print_ms("by the clock", longest);
    printf("\n");
}

/* In a process of its own, so that every round begins with the same heap. */
static void run_round(void)
{
    pid_t child = fork();
    bench_need(child >= 0, "fork");
    if (child > 0) {
        int status;
        bench_need(waitpid(child, &status, 0) == child && status == 0, "a round");
        return;
    }
    design->begin();
    design->join(0);
    for (size_t i = 0; i < PHASES; i++)
        run_phase(&phases[i], least + i * turns);
    design->leave(0);
    (void)fflush(stdout);
    _exit(0);
}

static void print_least(void)
{
    printf("%s, %u entries, the longest of all turns in what each took in every round:\n",
           design->name, entries);
    for (size_t i = 0; i < PHASES; i++) {
        uint32_t longest = 0;
        for (uint32_t k = 0; k < turns; k++)
            longest = least[i * turns + k] > longest ? least[i * turns + k] : longest;
        printf("  %s: %.3f ms\n", phases[i].name, longest / 1e6);
    }
}

int main(int argc, char **argv)
{
    const struct design *designs[] = {&design_weft, &design_blocks};
    for (size_t i = 0; argc > 1 && i < sizeof designs / sizeof *designs; i++) {
        if (strcmp(argv[1], designs[i]->name) == 0)
            design = designs[i];
    }
    bench_need(design != NULL, "store_pauses weft|blocks [ENTRIES [ROUNDS]]");
    entries = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : ENTRIES;
    unsigned long rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : ROUNDS;
    turns = (entries + DESIGN_TURN - 1) / DESIGN_TURN;

    size_t size = PHASES * turns * sizeof *least;
    least = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_need(least != MAP_FAILED, "memory");
    memset(least, 0xFF, size);
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_fill_text(value, sizeof value);
    for (unsigned long i = 1; i <= rounds; i++) {
        printf("round %lu of %lu\n", i, rounds);
        run_round();
    }
    print_least();
    return 0;
}
