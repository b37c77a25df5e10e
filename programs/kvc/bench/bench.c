/* SPDX-License-Identifier: MIT */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/url.h"
#include "clean.h"
#include "crew.h"
#include "options.h"
#include "report.h"
#include "programs/lib/descriptors.h"
#include "programs/lib/output.h"
#include "programs/kvc/progress.h"

static const int64_t draw_interval = 100000000;

struct bench {
    const struct cli_run *run;
    struct cli_bench_config config;
    struct cli_bench_plan plan;
    struct cli_bench_crew *crew;
    struct cli_bench_tally *tally;
    struct cli_progress progress;
    enum cli_bench_part drawn; /* the part that the progress line is of */
    struct weft_timer timer;
};

static enum cli_exit fail(const struct bench *bench, enum cli_exit code,
                          const struct weft_error *error)
{
    return cli_run_fail(bench->run, code, error->text);
}

static enum cli_exit on_answer(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    if (reply->status == 200)
        return CLI_EXIT_DONE;
    weft_error_set(&exchange->error, WEFT_EMALFORMED, "%u %.*s", reply->status,
                   (int)(reply->message.size < 400 ? reply->message.size : 400),
                   (const char *)reply->message.data);
    return CLI_EXIT_REFUSED;
}

static int check_descriptors(const struct cli_bench_config *config, struct weft_error *error)
{
    uint64_t limit = cli_raise_descriptor_limit();
    if (cli_bench_load_descriptors(config) <= limit)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG,
                          "--clients: %u need %u open files, and the system allows %" PRIu64
                          "; see ulimit -n",
                          config->clients, cli_bench_load_descriptors(config), limit);
}

/* A server that cannot be reached, or has nothing to do with kv, is said to be so once and not by
 * each client. */
static enum cli_exit try_server(const struct bench *bench, struct weft_error *error)
{
    static const struct weft_view no_key = {0};
    struct cli_exchange exchange = {
        .request = {.op = WEFT_KV_HEXIST,
                    .table = weft_view_str(bench->config.table),
                    .keys = &no_key,
                    .key_count = 1},
        .answered = on_answer,
    };
    struct cli_session *session = bench->run->session;
    enum cli_exit code = cli_session_connect(session, error);
    if (code == CLI_EXIT_DONE && session->client.in_lines) {
        code = CLI_EXIT_USAGE;
        weft_error_set(error, WEFT_ECONFIG,
                       "bench measures codecs that carry protobuf, and codec 'line' does not: use "
                       "codec 'length-delimited-gzip'");
    }
    if (code == CLI_EXIT_DONE)
        code = cli_session_exchange(session, &exchange, error);
    cli_session_disconnect(session);
    return code;
}

static int make_plan(struct bench *bench, struct weft_error *error)
{
    const struct cli_session *session = bench->run->session;
    const struct kvc_config *config = session->config;
    struct cli_bench_plan *plan = &bench->plan;
    *plan = (struct cli_bench_plan){
        .config = &bench->config,
        .connect = {.registry = session->registry,
                    .url = config->server,
                    .codec = config->codec,
                    .codec_is_explicit = config->codec_is_explicit,
                    .limits = config->limits,
                    .connect_timeout = (int64_t)config->timeout},
        .timeout = (int64_t)config->timeout,
        .budget = (size_t)config->limits.decode_bytes,
    };
    if (session->secret && session->secret->size > 0) {
        plan->user = weft_view_str(config->user);
        plan->password = weft_view(session->secret->text, session->secret->size);
    }
    /* The options alone decide how many requests are in flight, whatever their size. */
    plan->connect.limits.max_pending = UINT64_MAX;
    plan->connect.limits.output_high = UINT64_MAX;
    int err = cli_bench_values_init(&plan->values, bench->config.value_kind,
                                    bench->config.value_size, bench->config.seed);
    if (err < 0)
        return weft_error_set(error, err, "%s", weft_strerror(err));
    return cli_bench_requests_init(&plan->requests, weft_view_str(bench->config.table),
                                   &plan->values, error);
}

static void draw(struct bench *bench, int64_t now)
{
    static const char *const whats[CLI_BENCH_PARTS] = {"keys", "warm-up requests", "requests"};
    const struct cli_bench_config *config = &bench->config;
    struct cli_progress *progress = &bench->progress;
    uint64_t answered;
    enum cli_bench_part part = cli_bench_crew_watch(bench->crew, &answered);
    if (part != bench->drawn) {
        cli_progress_end(progress);
        cli_progress_start(progress, bench->run->err, whats[part], now);
        bench->drawn = part;
    }
    uint64_t time = part == CLI_BENCH_WARMUP ? config->warmup : config->duration;
    uint64_t requests = part == CLI_BENCH_FILL ? config->keys : config->requests;
    bool by_count = part == CLI_BENCH_FILL || (part == CLI_BENCH_MEASURE && requests > 0);
    cli_progress_update(progress, now, answered,
                        by_count ? answered : (uint64_t)(now - progress->began),
                        by_count ? requests : time);
}

static void on_timer(struct weft_timer *timer)
{
    struct bench *bench = weft_container_of(timer, struct bench, timer);
    struct weft_loop *loop = bench->run->session->loop;
    draw(bench, weft_loop_now(loop));
    weft_loop_after(loop, timer, draw_interval);
}

static void wait_for_end(struct bench *bench)
{
    struct cli_session *session = bench->run->session;
    cli_session_watch_all(session);
    bench->drawn = CLI_BENCH_PARTS;
    bench->timer.fire = on_timer;
    weft_loop_after(session->loop, &bench->timer, draw_interval);
    while (!cli_bench_crew_has_ended(bench->crew)) {
        weft_loop_turn(session->loop);
        if (session->interrupted)
            cli_bench_crew_stop(bench->crew);
    }
    weft_timer_stop(&bench->timer);
    cli_progress_end(&bench->progress);
    cli_session_unwatch(session);
}

/* The codec that the URL names, or the default. */
static const char *codec_of(const struct kvc_config *config, struct weft_url *url)
{
    struct weft_error error;
    struct weft_option_set set;
    const char *codec = NULL;
    if (weft_url_parse(url, config->server, &error) == 0) {
        set = weft_url_option_set(url);
        codec = weft_option_get(&set, "codec");
    }
    return codec ? codec : config->codec;
}

static enum cli_exit exit_code(const struct bench *bench, enum cli_exit code)
{
    if (bench->tally->wrong > 0)
        return CLI_EXIT_PROTOCOL;
    if (code == CLI_EXIT_DONE && cli_bench_tally_refusals(bench->tally) > 0)
        return CLI_EXIT_REFUSED;
    const struct cli_session *session = bench->run->session;
    bool interrupted = code == CLI_EXIT_DONE && session->interrupted;
    return interrupted ? cli_session_signal_code(session) : code;
}

static enum cli_exit report(const struct bench *bench, enum cli_exit code, struct weft_error *error)
{
    const struct cli_run *run = bench->run;
    struct weft_url url;
    const struct cli_bench_report report = {
        .config = &bench->config,
        .tally = bench->tally,
        .server = run->session->config->server,
        .codec = codec_of(run->session->config, &url),
        .interrupted = run->session->interrupted,
    };
    if (code != CLI_EXIT_DONE)
        fail(bench, code, error);
    if (run->format == CLI_JSON)
        cli_bench_report_print_json(&report, run->out);
    else
        cli_bench_report_print(&report, run->out);
    code = exit_code(bench, code);
    int err = cli_flush(run->out);
    if (err == 0)
        return code;
    weft_error_set(error, err, "cannot print the report: %s", weft_strerror(err));
    return fail(bench, code == CLI_EXIT_DONE ? CLI_EXIT_REFUSED : code, error);
}

/* A server that could not be reached, did not answer or answered nonsense is not asked again. */
static enum cli_exit clean(const struct bench *bench, enum cli_exit code)
{
    struct weft_error error = {0}, why;
    bool answers =
        code != CLI_EXIT_CONNECT && code != CLI_EXIT_TIMEOUT && code != CLI_EXIT_PROTOCOL;
    if (bench->config.keep || !answers)
        return code;
    enum cli_exit cleaned = cli_bench_clean(bench->run, &bench->config, &error);
    if (cleaned == CLI_EXIT_DONE)
        return code;
    weft_error_set(&why, error.code, "keys of table %s are left: %s", bench->config.table,
                   error.text);
    return fail(bench, code == CLI_EXIT_DONE ? cleaned : code, &why);
}

static enum cli_exit run_plan(struct bench *bench)
{
    struct weft_error error;
    enum cli_exit code = CLI_EXIT_REFUSED;
    bench->tally = weft_calloc(1, sizeof *bench->tally);
    if (!bench->tally) {
        weft_error_set(&error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
        return fail(bench, code, &error);
    }
    code = cli_bench_crew_new(&bench->crew, &bench->plan, bench->run->session->loop, &error);
    if (code != CLI_EXIT_DONE) {
        fail(bench, code, &error);
        goto after_tally;
    }
    wait_for_end(bench);
    code = cli_bench_crew_collect(bench->crew, bench->tally, &error);
    code = report(bench, code, &error);
    cli_bench_crew_free(bench->crew);
    code = clean(bench, code);

after_tally:
    weft_free(bench->tally);
    return code;
}

enum cli_exit cli_bench(const struct cli_run *run)
{
    struct weft_error error;
    struct bench bench = {.run = run, .config = run->session->config->bench};
    if (cli_bench_config_check(&bench.config, &error) < 0 ||
        check_descriptors(&bench.config, &error) < 0)
        return fail(&bench, CLI_EXIT_USAGE, &error);
    if (bench.config.requests == 0 && bench.config.duration == 0)
        bench.config.duration = CLI_BENCH_DURATION;
    enum cli_exit code = try_server(&bench, &error);
    if (code != CLI_EXIT_DONE)
        return fail(&bench, code, &error);
    code = CLI_EXIT_REFUSED;
    if (make_plan(&bench, &error) < 0)
        fail(&bench, code, &error);
    else
        code = run_plan(&bench);
    cli_bench_requests_fini(&bench.plan.requests);
    cli_bench_values_fini(&bench.plan.values);
    return code;
}
