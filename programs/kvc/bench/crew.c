/* SPDX-License-Identifier: MIT */
#include "crew.h"

#include <errno.h>
#include <pthread.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "load_run.h"

/* The thread of home and a worker's talk by posts alone. A worker that has done its part tells, and
 * waits to be told to go on or to stop. */
struct worker {
    struct cli_bench_crew *crew;
    struct cli_bench_load load;
    pthread_t thread;
    bool failed;                   /* as of its last post */
    bool told;                     /* to go on; its own thread's */
    struct weft_post ready, ended; /* to home */
    struct weft_post go_on, stop;  /* to the worker */
};

struct cli_bench_crew {
    struct weft_loop *home;
    unsigned started, ready, ended;
    bool stopped;
    unsigned count;
    struct worker workers[];
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct cli_bench_load *load = &worker->load;
    for (int part = 0; part < CLI_BENCH_PARTS && !load->stopping; part++) {
        cli_bench_load_run(load, (enum cli_bench_part)part);
        worker->told = false;
        worker->failed = load->code != CLI_EXIT_DONE;
        (void)!weft_loop_post(worker->crew->home, &worker->ready);
        while (!worker->told && !load->stopping)
            weft_loop_turn(load->loop);
    }
    cli_bench_load_close(load);
    (void)!weft_loop_post(worker->crew->home, &worker->ended);
    return NULL;
}

static void on_go_on(struct weft_post *post)
{
    weft_container_of(post, struct worker, go_on)->told = true;
}

static void on_stop(struct weft_post *post)
{
    cli_bench_load_stop(&weft_container_of(post, struct worker, stop)->load);
}

static void on_ready(struct weft_post *post)
{
    struct worker *worker = weft_container_of(post, struct worker, ready);
    struct cli_bench_crew *crew = worker->crew;
    if (worker->failed)
        cli_bench_crew_stop(crew);
    if (++crew->ready < crew->started || crew->stopped)
        return;
    crew->ready = 0;
    for (unsigned i = 0; i < crew->started; i++)
        (void)!weft_loop_post(crew->workers[i].load.loop, &crew->workers[i].go_on);
}

static void on_ended(struct weft_post *post)
{
    struct cli_bench_crew *crew = weft_container_of(post, struct worker, ended)->crew;
    crew->ended++;
    /* One that ends before the others has failed. */
    if (crew->ended < crew->started)
        cli_bench_crew_stop(crew);
}

void cli_bench_crew_stop(struct cli_bench_crew *crew)
{
    if (crew->stopped)
        return;
    crew->stopped = true;
    for (unsigned i = 0; i < crew->started; i++)
        (void)!weft_loop_post(crew->workers[i].load.loop, &crew->workers[i].stop);
}

static enum cli_exit init_worker(struct worker *worker, struct cli_bench_crew *crew,
                                 const struct cli_bench_plan *plan, unsigned index,
                                 struct weft_error *error)
{
    worker->crew = crew;
    worker->ready.run = on_ready;
    worker->ended.run = on_ended;
    worker->go_on.run = on_go_on;
    worker->stop.run = on_stop;
    return cli_bench_load_init(&worker->load, plan, index, error);
}

static int start(struct cli_bench_crew *crew, struct weft_error *error)
{
    for (; crew->started < crew->count; crew->started++) {
        struct worker *worker = &crew->workers[crew->started];
        int err = pthread_create(&worker->thread, NULL, work, worker);
        if (err != 0)
            return weft_error_set(error, -err, "no thread to send from: %s", weft_strerror(-err));
    }
    return 0;
}

enum cli_exit cli_bench_crew_new(struct cli_bench_crew **result, const struct cli_bench_plan *plan,
                                 struct weft_loop *home, struct weft_error *error)
{
    unsigned count = plan->config->threads;
    struct cli_bench_crew *crew = weft_calloc(1, sizeof *crew + count * sizeof *crew->workers);
    *result = NULL;
    if (!crew) {
        weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
        return CLI_EXIT_CONNECT;
    }
    crew->home = home;
    crew->count = count;
    enum cli_exit code = CLI_EXIT_DONE;
    for (unsigned i = 0; i < count && code == CLI_EXIT_DONE; i++)
        code = init_worker(&crew->workers[i], crew, plan, i, error);
    if (code == CLI_EXIT_DONE && start(crew, error) < 0) {
        code = CLI_EXIT_CONNECT;
        cli_bench_crew_stop(crew);
        while (crew->ended < crew->started)
            weft_loop_turn(home);
    }
    if (code == CLI_EXIT_DONE)
        *result = crew;
    else
        cli_bench_crew_free(crew);
    return code;
}

bool cli_bench_crew_has_ended(const struct cli_bench_crew *crew)
{
    return crew->ended == crew->started;
}

enum cli_bench_part cli_bench_crew_watch(const struct cli_bench_crew *crew, uint64_t *answered)
{
    *answered = 0;
    for (unsigned i = 0; i < crew->count; i++)
        *answered += atomic_load_explicit(&crew->workers[i].load.answered, memory_order_relaxed);
    return (enum cli_bench_part)atomic_load_explicit(&crew->workers[0].load.watched_part,
                                                     memory_order_relaxed);
}

enum cli_exit cli_bench_crew_collect(const struct cli_bench_crew *crew,
                                     struct cli_bench_tally *tally, struct weft_error *error)
{
    enum cli_exit code = CLI_EXIT_DONE;
    for (unsigned i = 0; i < crew->count; i++) {
        const struct cli_bench_load *load = &crew->workers[i].load;
        cli_bench_tally_merge(tally, &load->tally);
        if (code != CLI_EXIT_DONE || load->code == CLI_EXIT_DONE)
            continue;
        code = load->code;
        *error = load->error;
    }
    return code;
}

void cli_bench_crew_free(struct cli_bench_crew *crew)
{
    if (!crew)
        return;
    for (unsigned i = 0; i < crew->started; i++)
        pthread_join(crew->workers[i].thread, NULL);
    for (unsigned i = 0; i < crew->count; i++) {
        cli_bench_load_close(&crew->workers[i].load);
        cli_bench_load_fini(&crew->workers[i].load);
    }
    weft_free(crew);
}
