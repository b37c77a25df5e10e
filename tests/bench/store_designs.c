/* SPDX-License-Identifier: MIT
 *
 * Two designs of a store against each other: CPU time of the process an operation on random keys with
 * one thread and with two, resident memory of a million entries, and the longest write while the
 * table grows.
 *
 *   store_designs weft|urcu [ENTRIES]     to grow to; 10 million */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store_design.h"
#include "work.h"

enum { VALUE_SIZE = 64, ENTRIES = 1000000, TURNS = 32 * 1024 };

/* Seconds for what a design does beside its writers. */
enum { SETTLE = 3 };

static const struct design *design;
static uint8_t value[VALUE_SIZE];

/* Writes entries one after the other, and notes the longest write in CPU time of its thread, which
 * the other processes of the machine leave alone. Neither design waits for another thread here. */
struct fill {
    uint32_t next, end;
    int64_t longest;
};

static void fill_some(void *arg)
{
    struct fill *fill = arg;
    uint8_t key[DESIGN_KEY_SIZE];
    for (int i = 0; i < DESIGN_TURN && fill->next < fill->end; i++) {
        int64_t begin = design_now(CLOCK_THREAD_CPUTIME_ID);
        design->set(0, design_key(fill->next++, key), weft_view(value, sizeof value));
        int64_t took = design_now(CLOCK_THREAD_CPUTIME_ID) - begin;
        fill->longest = took > fill->longest ? took : fill->longest;
    }
}

static double fill_to(uint32_t first, uint32_t end)
{
    struct fill fill = {.next = first, .end = end};
    design->join(0);
    while (fill.next < fill.end)
        design->turn(0, fill_some, &fill);
    design->leave(0);
    return (double)fill.longest / 1e6;
}

/* Reads or writes keys at random, each thread others. */
struct client {
    size_t thread;
    bool sets;
    uint32_t random;
    pthread_t id;
};

static void work_some(void *arg)
{
    struct client *client = arg;
    uint8_t key[DESIGN_KEY_SIZE];
    for (int i = 0; i < DESIGN_TURN; i++) {
        client->random ^= client->random << 13;
        client->random ^= client->random >> 17;
        client->random ^= client->random << 5;
        struct weft_view view = design_key(client->random % ENTRIES, key);
        if (client->sets)
            design->set(client->thread, view, weft_view(value, sizeof value));
        else
            bench_need(design->get(client->thread, view), "a key that was set");
    }
}

static void *work(void *arg)
{
    struct client *client = arg;
    design->join(client->thread);
    for (int i = 0; i < TURNS; i++)
        design->turn(client->thread, work_some, client);
    design->leave(client->thread);
    return NULL;
}

static double cpu_ns(size_t threads, bool sets)
{
    struct client clients[DESIGN_THREADS];
    int64_t begin = design_now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < threads; i++) {
        clients[i] = (struct client){.thread = i, .sets = sets, .random = (uint32_t)i + 1};
        bench_need(pthread_create(&clients[i].id, NULL, work, &clients[i]) == 0, "a thread");
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(clients[i].id, NULL);
    double all = (double)threads * TURNS * DESIGN_TURN;
    return (double)(design_now(CLOCK_PROCESS_CPUTIME_ID) - begin) / all;
}

static double resident_mb(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    bench_need(file && fscanf(file, "%*s %ld", &pages) == 1, "statm");
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

int main(int argc, char **argv)
{
    const struct design *designs[] = {&design_weft, &design_urcu};
    for (size_t i = 0; argc > 1 && i < sizeof designs / sizeof *designs; i++) {
        if (strcmp(argv[1], designs[i]->name) == 0)
            design = designs[i];
    }
    bench_need(design != NULL, "store_designs weft|urcu [ENTRIES]");
    uint32_t entries = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10 * ENTRIES;

    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_fill_text(value, sizeof value);
    design->begin();
    double before = resident_mb();
    double longest = fill_to(0, ENTRIES);
    sleep(SETTLE);
    printf("%s: a million entries take %.1f MB\n", design->name, resident_mb() - before);
    for (size_t threads = 1; threads <= DESIGN_THREADS; threads++)
        printf("%s: threads %zu: get %.0f ns, set %.0f ns\n", design->name, threads,
               cpu_ns(threads, false), cpu_ns(threads, true));
    double later = fill_to(ENTRIES, entries);
    printf("%s: growing to %u entries, the longest write takes %.2f ms\n", design->name, entries,
           later > longest ? later : longest);
    return 0;
}
