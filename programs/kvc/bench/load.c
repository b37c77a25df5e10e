/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "load_run.h"

/* Beyond the clients: what a process has open, and what each loop has. */
enum { DESCRIPTORS = 32, DESCRIPTORS_A_LOOP = 4 };

unsigned cli_bench_load_descriptors(const struct cli_bench_config *config)
{
    return config->clients + config->threads * DESCRIPTORS_A_LOOP + DESCRIPTORS;
}

static void on_connect(struct weft_client *client, int status, const struct weft_error *error)
{
    struct cli_bench_connection *connection = weft_client_data(client);
    if (status < 0)
        cli_bench_load_fail(connection->load, CLI_EXIT_CONNECT, error->text);
}

static void on_login(struct weft_kv_call *call, int status, const struct weft_kv_reply *reply)
{
    struct cli_bench_connection *connection =
        weft_container_of(call, struct cli_bench_connection, login);
    if (status == 0 && reply->status != 200)
        cli_bench_load_fail(connection->load, CLI_EXIT_REFUSED, "a connection could not log in");
}

/* Requests may follow at once. */
static int log_in(struct cli_bench_connection *connection, struct weft_error *error)
{
    const struct cli_bench_plan *plan = connection->load->plan;
    weft_kv_client_init(&connection->kv, connection->client, plan->budget);
    connection->login = (struct weft_kv_call){.done = on_login, .timeout = plan->timeout};
    return plan->user.size == 0 ? 0
                                : weft_kv_client_login(&connection->kv, &connection->login,
                                                       plan->user, plan->password, error);
}

static enum cli_exit connect_all(struct cli_bench_load *load, struct weft_error *error)
{
    struct weft_client_options options = load->plan->connect;
    options.loop = load->loop;
    options.on_connect = on_connect;
    for (size_t i = 0; i < load->connection_count; i++) {
        struct cli_bench_connection *connection = &load->connections[i];
        connection->load = load;
        options.data = connection;
        /* The first of so many has the session that the others use. */
        size_t place = i % load->plan->config->streams;
        options.beside = place > 0 ? load->connections[i - place].client : NULL;
        int err = weft_client_new(&connection->client, &options, error);
        if (err == 0)
            err = log_in(connection, error);
        if (err < 0)
            return err == WEFT_ECONFIG ? CLI_EXIT_USAGE : CLI_EXIT_CONNECT;
    }
    return CLI_EXIT_DONE;
}

/* One after another they belong to different connections, so that requests of a fixed rate go round. */
static void make_slots(struct cli_bench_load *load)
{
    for (size_t i = 0; i < load->slot_count; i++) {
        struct cli_bench_slot *slot = &load->slots[i];
        slot->connection = &load->connections[i % load->connection_count];
        slot->call = (struct weft_call){.done = cli_bench_on_done, .timeout = load->plan->timeout};
    }
}

static int make_room(struct cli_bench_load *load)
{
    const struct cli_bench_config *config = load->plan->config;
    uint64_t begin = cli_bench_share(load->plan, load->index, config->clients);
    uint64_t end = cli_bench_share(load->plan, load->index + 1, config->clients);
    load->connection_count = (size_t)(end - begin);
    load->slot_count = load->connection_count * cli_bench_fill_depth(config);
    load->connections = weft_calloc(load->connection_count, sizeof *load->connections);
    load->slots = weft_calloc(load->slot_count, sizeof *load->slots);
    if (!load->connections || !load->slots)
        return -ENOMEM;
    make_slots(load);
    return 0;
}

enum cli_exit cli_bench_load_init(struct cli_bench_load *load, const struct cli_bench_plan *plan,
                                  unsigned index, struct weft_error *error)
{
    const struct cli_bench_config *config = plan->config;
    enum cli_exit code = CLI_EXIT_CONNECT;
    *load = (struct cli_bench_load){
        .plan = plan,
        .index = index,
        .random = {.state = config->seed + index},
    };
    cli_bench_replies_init(&load->replies, &plan->values, plan->budget);
    int descriptors = (int)cli_bench_load_descriptors(plan->config);
    int err = weft_loop_new(&load->loop, descriptors);
    if (err < 0)
        goto err_after_replies;
    load->pacer.due = cli_bench_on_due;
    err = cli_bench_pacer_init(&load->pacer, load->loop);
    if (err < 0)
        goto err_after_loop;
    err = make_room(load);
    if (err < 0)
        goto err_after_pacer;
    code = connect_all(load, error);
    if (code == CLI_EXIT_DONE)
        return code;
    cli_bench_load_close(load);

err_after_pacer:
    weft_free(load->connections);
    weft_free(load->slots);
    cli_bench_pacer_fini(&load->pacer);
err_after_loop:
    weft_loop_free(load->loop);
err_after_replies:
    cli_bench_replies_fini(&load->replies);
    *load = (struct cli_bench_load){0};
    if (err < 0)
        weft_error_set(error, err, "no thread to send from: %s", weft_strerror(err));
    return code;
}

void cli_bench_load_fini(struct cli_bench_load *load)
{
    if (!load->loop)
        return;
    cli_bench_pacer_fini(&load->pacer);
    weft_loop_free(load->loop);
    cli_bench_replies_fini(&load->replies);
    weft_free(load->connections);
    weft_free(load->slots);
    *load = (struct cli_bench_load){0};
}

void cli_bench_load_close(struct cli_bench_load *load)
{
    load->closing = true;
    /* Those that share a session are closed before the one that has it. */
    for (size_t i = load->connection_count; i-- > 0;) {
        weft_client_close(load->connections[i].client);
        weft_kv_client_fini(&load->connections[i].kv);
        load->connections[i].client = NULL;
    }
}
