/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

enum { OPTIONS_MAX = 32, THREADS_MAX = 16 };

/* hexist of "k" in "t", and its answer: false. */
static const uint8_t request[] = {0, 0, 0, 8, 0x42, 6, 0x0a, 1, 't', 0x12, 1, 'k'};
static const uint8_t answer[] = {0, 0, 0, 7, 0x08, 0xc8, 0x01, 0x1a, 2, 0x28, 0};

static bool exchange(int fd)
{
    uint8_t reply[sizeof answer];
    return wire_send(fd, request, sizeof request) == 0 &&
           wire_receive_bytes(fd, reply, sizeof reply) == 0 &&
           memcmp(reply, answer, sizeof answer) == 0;
}

static void *run_probe(void *arg)
{
    struct probe *probe = arg;
    int fd = wire_connect(probe->url);
    probe->failed = fd < 0;
    while (!probe->failed && !atomic_load(&probe->stop)) {
        int64_t begin = clock_now();
        probe->failed = !exchange(fd);
        cli_histogram_record(&probe->latency, clock_now() - begin);
        clock_pause(CLOCK_MS);
    }
    close(fd);
    return NULL;
}

static void start_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
    int error = pthread_create(thread, NULL, run, arg);
    if (error != 0)
        errx(1, "cannot make a thread: %s", strerror(error));
}

/* The first requests bring the memory in that every request needs. */
static void warm_up(const struct world *world)
{
    int fd = wire_connect(world->server.urls[0]);
    for (int i = 0; i < 1000; i++) {
        if (!exchange(fd))
            errx(1, "kvs does not serve");
    }
    close(fd);
}

void world_start(struct world *world, const char *const *options)
{
    const char *all[OPTIONS_MAX] = {"--log-level", "debug", "--listen", "tcp://127.0.0.1:0"};
    unsigned urls = 1;
    for (size_t count = 4; *options && count < OPTIONS_MAX - 1; count++) {
        urls += strstr(*options, "://") != NULL;
        all[count] = *options++;
    }
    memset(world, 0, sizeof *world);
    server_start(&world->server, NULL, urls, all);
    warm_up(world);
    world->probe.url = world->server.urls[0];
    start_thread(&world->probe.thread, run_probe, &world->probe);
    clock_pause(CLOCK_SECOND / 10);
    world->before = server_usage(&world->server);
    server_reset_highest(&world->server);
}

int world_stop(struct world *world)
{
    atomic_store(&world->probe.stop, true);
    pthread_join(world->probe.thread, NULL);
    return server_stop(&world->server);
}

int64_t world_grown(const struct world *world)
{
    return (int64_t)server_usage(&world->server).resident - (int64_t)world->before.resident;
}

int64_t world_highest_grown(const struct world *world)
{
    return (int64_t)server_usage(&world->server).highest - (int64_t)world->before.resident;
}

struct job {
    pthread_t thread;
    bool (*work)(struct world *world);
    struct world *world;
    bool done;
};

static void *run_job(void *arg)
{
    struct job *job = arg;
    job->done = job->work(job->world);
    return NULL;
}

unsigned parallel(unsigned threads, bool (*work)(struct world *world), struct world *world)
{
    struct job jobs[THREADS_MAX];
    unsigned done = 0;
    for (unsigned i = 0; i < threads; i++) {
        jobs[i] = (struct job){.work = work, .world = world};
        start_thread(&jobs[i].thread, run_job, &jobs[i]);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(jobs[i].thread, NULL);
        done += jobs[i].done;
    }
    return done;
}

int ask(const struct world *world, const struct wire_bytes *frame)
{
    struct wire_bytes reply = {0};
    int status = -1, fd = wire_connect(world->server.urls[0]);
    if (fd >= 0 && wire_send(fd, frame->data, frame->size) == 0 &&
        wire_receive(fd, true, &reply) == 1)
        status = wire_status(&reply);
    wire_free(&reply);
    close(fd);
    return status;
}

bool row(const char *test, bool met, const char *goal, const char *format, ...)
{
    va_list args;
    printf("%-14s %-6s goal: %s\n%21s got:  ", test, met ? "met" : "MISSED", goal, "");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    return met;
}
