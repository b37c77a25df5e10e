/* SPDX-License-Identifier: MIT */
#include "top.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/loop.h"
#include "core/transport.h"
#include "programs/kvc/format/json.h"
#include "programs/lib/output.h"
#include "table.h"
#include "top_rates.h"

enum { ROWS_WITHOUT_A_TERMINAL = 1000, ROWS_OF_THE_HEAD = 7 };

struct top {
    struct kvc_ask *ask;
    FILE *out;
    bool is_terminal;
    struct weft_timer timer;
    bool due, quits;
    /* A key is read at once and not shown. */
    bool has_keys;
    struct termios before;
    struct weft_io keys;
    json_t *last; /* the look before, or NULL */
    int64_t last_at;
};

/* --- the screen ------------------------------------------------------------------------------------ */

static int rows_of_screen(const struct top *top)
{
    struct winsize size;
    if (!top->is_terminal || ioctl(fileno(top->out), TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
        return ROWS_WITHOUT_A_TERMINAL;
    return size.ws_row;
}

static void print_head(FILE *out, const struct kvc_rates *rates, const char *server)
{
    char requests[KVC_CELL], in[KVC_CELL], sent[KVC_CELL], memory[KVC_CELL], store[KVC_CELL];
    fprintf(out, "kvs at %s: %s requests/s, %.0f connections (%.1f new/s), %.1f rejected/s\n",
            server, kvc_show_count(rates->requests, requests), rates->connections, rates->accepted,
            rates->rejected);
    fprintf(out, "%s/s in, %s/s out, %.0f%% CPU, %s resident, %s in the store\n",
            kvc_show_bytes(rates->received, in), kvc_show_bytes(rates->sent, sent),
            rates->cpu * 100, kvc_show_bytes(rates->resident, memory),
            kvc_show_bytes(rates->store, store));
}

static int print_loops(FILE *out, const struct kvc_rates *rates, int room)
{
    int printed = 0;
    fprintf(out, "\n%-6s %11s %10s %6s %9s\n", "LOOP", "CONNECTIONS", "TURNS/s", "BUSY", "LONGEST");
    for (size_t i = 0; i < rates->loop_count && printed < room; i++, printed++) {
        const struct kvc_loop_rate *loop = &rates->loops[i];
        char turns[KVC_CELL], longest[KVC_CELL];
        fprintf(out, "%-6s %11.0f %10s %5.0f%% %9s\n", loop->name, loop->connections,
                kvc_show_count(loop->turns, turns), loop->busy * 100,
                kvc_show_seconds(loop->longest, longest));
    }
    return printed;
}

static void print_commands(FILE *out, const struct kvc_rates *rates, int room)
{
    fprintf(out, "\n%-16s %12s %10s %9s %9s %12s\n", "COMMAND", "REQUESTS/s", "ERRORS/s", "P50",
            "P99", "REPLIES/s");
    for (size_t i = 0; i < rates->command_count && (int)i < room; i++) {
        const struct kvc_command_rate *command = &rates->commands[i];
        char requests[KVC_CELL], errors[KVC_CELL], p50[KVC_CELL], p99[KVC_CELL], sent[KVC_CELL];
        kvc_put_cell(out, command->name, 16);
        fprintf(out, "%12s %10s %9s %9s %12s\n", kvc_show_count(command->requests, requests),
                kvc_show_count(command->errors, errors),
                command->p50 > 0 ? kvc_show_seconds(command->p50, p50) : "-",
                command->p99 > 0 ? kvc_show_seconds(command->p99, p99) : "-",
                kvc_show_bytes(command->sent, sent));
    }
}

static void print_text(const struct top *top, const struct kvc_rates *rates)
{
    const struct kvc_config *config = top->ask->run->session->config;
    int room = rows_of_screen(top) - ROWS_OF_THE_HEAD;
    if (top->is_terminal)
        fputs("\033[H\033[2J", top->out);
    print_head(top->out, rates, config->admin);
    int loops = print_loops(top->out, rates, room > 8 ? room / 2 : 4);
    print_commands(top->out, rates, room > loops ? room - loops : 1);
    if (!top->is_terminal)
        fputc('\n', top->out);
}

static void print_json(FILE *out, const struct kvc_rates *rates)
{
    fprintf(
        out,
        "{\"seconds\": %.3f, \"requests\": %.1f, \"received_bytes\": %.1f, \"sent_bytes\": %.1f, "
        "\"accepted\": %.2f, \"rejected\": %.2f, \"cpu\": %.4f, \"connections\": %.0f, "
        "\"resident_bytes\": %.0f, \"store_bytes\": %.0f, \"loops\": [",
        rates->seconds, rates->requests, rates->received, rates->sent, rates->accepted,
        rates->rejected, rates->cpu, rates->connections, rates->resident, rates->store);
    for (size_t i = 0; i < rates->loop_count; i++) {
        const struct kvc_loop_rate *loop = &rates->loops[i];
        fprintf(out,
                "%s{\"loop\": \"%s\", \"connections\": %.0f, \"turns\": %.1f, \"busy\": %.4f, "
                "\"longest\": %.9f}",
                i > 0 ? ", " : "", loop->name, loop->connections, loop->turns, loop->busy,
                loop->longest);
    }
    fputs("], \"commands\": [", out);
    for (size_t i = 0; i < rates->command_count; i++) {
        const struct kvc_command_rate *command = &rates->commands[i];
        fprintf(out, "%s{\"command\": ", i > 0 ? ", " : "");
        cli_json_print_string(out, weft_view_str(command->name));
        fprintf(out,
                ", \"requests\": %.1f, \"errors\": %.1f, \"sent_bytes\": %.1f, \"p50\": %.9f, "
                "\"p99\": %.9f}",
                command->requests, command->errors, command->sent, command->p50, command->p99);
    }
    fputs("]}\n", out);
}

/* --- looking --------------------------------------------------------------------------------------- */

/* Looks, and prints what has happened since the last look; the first one only remembers. */
static enum cli_exit look(struct top *top, bool *printed)
{
    struct kvc_rates rates;
    struct weft_loop *loop = top->ask->run->session->loop;
    enum cli_exit code = kvc_ask(top->ask, "GET", "/metrics", "application/json");
    *printed = false;
    if (code != CLI_EXIT_DONE)
        return code;
    json_t *now = kvc_ask_json(top->ask);
    if (!now)
        return CLI_EXIT_PROTOCOL;
    int64_t at = weft_loop_refresh(loop);
    if (top->last) {
        kvc_rates_init(&rates, top->last, now, (double)(at - top->last_at) / 1e9);
        if (top->ask->run->format == CLI_JSON)
            print_json(top->out, &rates);
        else
            print_text(top, &rates);
        *printed = true;
    }
    json_decref(top->last);
    top->last = now;
    top->last_at = at;
    int err = cli_flush(top->out);
    return err < 0 ? cli_run_fail(top->ask->run, CLI_EXIT_REFUSED, weft_strerror(err))
                   : CLI_EXIT_DONE;
}

static void on_due(struct weft_timer *timer)
{
    weft_container_of(timer, struct top, timer)->due = true;
}

static enum cli_exit run(struct top *top)
{
    struct cli_session *session = top->ask->run->session;
    const struct kvc_config *config = session->config;
    uint64_t left = config->count > 0 ? config->count : top->is_terminal ? UINT64_MAX : 1;
    top->timer.fire = on_due;
    while (left > 0 && !top->quits && !session->interrupted) {
        bool printed;
        enum cli_exit code = look(top, &printed);
        left -= printed;
        if (code != CLI_EXIT_DONE)
            return session->interrupted ? CLI_EXIT_DONE : code;
        top->due = left == 0;
        if (!top->due)
            weft_loop_after(session->loop, &top->timer, (int64_t)config->interval);
        while (!top->due && !top->quits && !session->interrupted)
            weft_loop_turn(session->loop);
    }
    weft_timer_stop(&top->timer);
    return CLI_EXIT_DONE;
}

/* --- keys ------------------------------------------------------------------------------------------ */

static void on_key(struct weft_io *io, unsigned events)
{
    struct top *top = weft_container_of(io, struct top, keys);
    char key;
    (void)events;
    ssize_t n = read(STDIN_FILENO, &key, 1);
    top->quits |= n <= 0 || key == 'q' || key == 'Q';
}

static void take_keys(struct top *top)
{
    struct termios raw;
    if (!top->is_terminal || tcgetattr(STDIN_FILENO, &top->before) < 0)
        return;
    raw = top->before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    top->has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    if (!top->has_keys)
        return;
    weft_io_init(&top->keys, top->ask->run->session->loop, STDIN_FILENO, on_key);
    weft_io_want(&top->keys, WEFT_READABLE);
}

static void give_keys_back(struct top *top)
{
    if (!top->has_keys)
        return;
    weft_io_want(&top->keys, 0);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
}

enum cli_exit kvc_top(struct kvc_ask *ask)
{
    struct top top = {.ask = ask, .out = ask->run->out};
    top.is_terminal = ask->run->format != CLI_JSON && isatty(fileno(top.out));
    take_keys(&top);
    enum cli_exit code = run(&top);
    give_keys_back(&top);
    json_decref(top.last);
    return code;
}
