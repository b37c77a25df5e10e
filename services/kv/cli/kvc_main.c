/* SPDX-License-Identifier: MIT */
#include "services/kv/cli/kvc_main.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/client.h"
#include "core/container.h"
#include "core/loop.h"
#include "services/kv/cli/command.h"
#include "services/kv/cli/descriptors.h"
#include "services/kv/cli/help.h"
#include "services/kv/cli/options.h"
#include "services/kv/cli/output.h"
#include "services/kv/cli/value.h"

enum { FD_LIMIT = 1024 };

struct run {
    const struct cli_config *config;
    const struct cli_invocation *invocation;
    FILE *out, *err;
    struct weft_loop *loop;
    struct weft_client *connection;
    struct kvc_client client;
    struct kvc_call call;
    bool connected;
    int64_t begun; /* when it could be sent; nanoseconds */
    enum cli_exit code;
};

/* The URL without its options. */
static int address_length(const struct run *run)
{
    return (int)strcspn(run->config->server, "?");
}

static void end(struct run *run, enum cli_exit code)
{
    run->code = code;
    weft_loop_stop(run->loop);
}

static void on_connect(struct weft_client *connection, int status, const struct weft_error *error)
{
    struct run *run = weft_client_data(connection);
    run->begun = weft_loop_refresh(run->loop);
    run->connected = status == 0;
    if (status == 0)
        return;
    fprintf(run->err, "kvc: %s\n", error->text);
    end(run, CLI_EXIT_CONNECT);
}

static void print_failure(struct run *run, int status)
{
    const char *why = run->call.why ? run->call.why : weft_client_trouble(run->connection);
    fprintf(run->err, "kvc: %s%s%s%s\n", run->call.why ? "the reply is malformed: " : "",
            *why ? why : weft_strerror(status),
            status == -ETIMEDOUT ? "; --timeout SECONDS waits longer" : "",
            run->invocation->command->writes && run->call.call.sent
                ? "; the command may have taken effect"
                : "");
}

static void print_status(struct run *run, const struct kvc_reply *reply)
{
    fprintf(run->err, "kvc: %u ", reply->status);
    cli_text_print(run->err, reply->message, isatty(fileno(run->err)));
    fputc('\n', run->err);
}

static void print_pong(struct run *run)
{
    double milliseconds = (double)(weft_loop_refresh(run->loop) - run->begun) / 1e6;
    fprintf(run->out, "pong from %.*s in %.2f ms\n", address_length(run), run->config->server,
            milliseconds);
}

static enum cli_exit print_reply(struct run *run, const struct kvc_reply *reply)
{
    struct weft_error error;
    if (reply->status != 200) {
        print_status(run, reply);
        return CLI_EXIT_REFUSED;
    }
    if (cli_reply_check(&run->invocation->request, reply, &error) < 0) {
        fprintf(run->err, "kvc: %s\n", error.text);
        return CLI_EXIT_PROTOCOL;
    }
    int err = 0;
    if (run->invocation->command->shape == CLI_NOTHING)
        print_pong(run);
    else
        err = cli_reply_print(run->out, reply, isatty(fileno(run->out)));
    if (err == 0 && (fflush(run->out) != 0 || ferror(run->out)))
        err = -errno;
    if (err == 0)
        return CLI_EXIT_DONE;
    fprintf(run->err, "kvc: cannot print the answer: %s\n", weft_strerror(err));
    return CLI_EXIT_REFUSED;
}

static void on_reply(struct kvc_call *call, int status, const struct kvc_reply *reply)
{
    struct run *run = weft_container_of(call, struct run, call);
    if (status == 0) {
        end(run, print_reply(run, reply));
    } else if (run->connected) { /* otherwise on_connect has said it */
        print_failure(run, status);
        end(run, status == -ETIMEDOUT ? CLI_EXIT_TIMEOUT : CLI_EXIT_PROTOCOL);
    }
}

/* Says what kept it from being sent. */
static enum cli_exit refuse(struct run *run, enum cli_exit code, const struct weft_error *error)
{
    fprintf(run->err, "kvc: %s\n", error->text);
    return code;
}

static enum cli_exit exchange(struct run *run, struct weft_registry *registry)
{
    const struct weft_client_options options = {
        .registry = registry,
        .loop = run->loop,
        .url = run->config->server,
        .codec = run->config->codec,
        .codec_is_explicit = run->config->codec_is_explicit,
        .limits = run->config->limits,
        .connect_timeout = (int64_t)run->config->timeout,
        .on_connect = on_connect,
        .data = run,
    };
    struct weft_error error = {0};
    int err = weft_client_new(&run->connection, &options, &error);
    if (err < 0)
        return refuse(run, err == WEFT_ECONFIG ? CLI_EXIT_USAGE : CLI_EXIT_CONNECT, &error);

    kvc_client_init(&run->client, run->connection, (size_t)run->config->limits.decode_bytes);
    run->call = (struct kvc_call){.done = on_reply, .timeout = (int64_t)run->config->timeout};
    err = kvc_send(&run->client, &run->call, &run->invocation->request, &error);
    if (err < 0)
        run->code = refuse(run, CLI_EXIT_USAGE, &error);
    else
        weft_loop_run(run->loop);
    weft_client_close(run->connection);
    kvc_client_fini(&run->client);
    return run->code;
}

static enum cli_exit run_command(const struct cli_config *config,
                                 const struct cli_invocation *invocation,
                                 struct weft_registry *registry, FILE *out, FILE *err)
{
    struct run run = {.config = config, .invocation = invocation, .out = out, .err = err};
    int status = weft_loop_new(&run.loop, FD_LIMIT);
    if (status < 0) {
        fprintf(err, "kvc: no event loop: %s\n", weft_strerror(status));
        return CLI_EXIT_CONNECT;
    }
    enum cli_exit code = exchange(&run, registry);
    weft_loop_free(run.loop);
    return code;
}

enum cli_exit cli_kvc_main(struct weft_registry *registry, int argc, char **argv, FILE *out,
                           FILE *err)
{
    cli_hold_descriptors();
    struct cli_table table;
    struct cli_config config;
    struct cli_invocation invocation;
    struct weft_error error;
    cli_table_init(&table, CLI_KVC);
    if (cli_parse(&config, &table, argc, argv, &error) < 0)
        goto err_usage;
    if (config.help) {
        cli_help_print(&table, out);
        return CLI_EXIT_DONE;
    }
    if (config.version) {
        fprintf(out, "kvc " WEFT_VERSION "\n");
        return CLI_EXIT_DONE;
    }
    if (cli_invocation_init(&invocation, config.words, config.word_count, config.limits.max_message,
                            &error) < 0)
        goto err_usage;
    enum cli_exit code = run_command(&config, &invocation, registry, out, err);
    cli_invocation_fini(&invocation);
    return code;

err_usage:
    fprintf(err, "kvc: %s\n", error.text);
    return CLI_EXIT_USAGE;
}
