/* SPDX-License-Identifier: MIT */
#include "interactive.h"

#include <string.h>
#include <strings.h>

#include "editor.h"
#include "quotes.h"
#include "programs/kvc/command_help.h"
#include "programs/kvc/format/pretty.h"
#include "programs/kvc/words.h"

struct prompt {
    struct cli_run *run;
    struct cli_editor editor;
    bool timing, leaving, cancelled;
};

static void help(struct prompt *prompt, const struct cli_words *words)
{
    const char *name = words->count > 1 ? words->list[1] : NULL;
    FILE *out = prompt->run->out;
    if (!cli_help_print_command(name, true, out))
        fprintf(prompt->run->err, "kvc: no help for '%s': help lists the commands\n", name);
    else if (!name)
        fputs("Words are quoted as in a shell; --json or --raw may stand before a command.\n", out);
}

static void set_timing(struct prompt *prompt, const struct cli_words *words)
{
    bool on = words->count == 2 && strcmp(words->list[1], "on") == 0;
    if (on || (words->count == 2 && strcmp(words->list[1], "off") == 0))
        prompt->timing = on;
    else
        fputs("kvc: usage: timing on|off\n", prompt->run->err);
}

/* Runs a command of the prompt itself. False: it is another one. */
static bool run_local(struct prompt *prompt, const struct cli_words *words)
{
    const char *name = words->list[0];
    if (strcasecmp(name, "help") == 0)
        help(prompt, words);
    else if (strcasecmp(name, "timing") == 0)
        set_timing(prompt, words);
    else if (strcasecmp(name, "quit") == 0 || strcasecmp(name, "exit") == 0)
        prompt->leaving = true;
    else
        return false;
    return true;
}

static void run_invocation(struct prompt *prompt, const struct cli_run *run,
                           const struct cli_invocation *invocation)
{
    struct cli_session *session = run->session;
    struct weft_error error;
    if (cli_session_has_ended(session, &error))
        fprintf(run->err, "kvc: %s; connecting again\n", error.text);
    int64_t began = weft_loop_refresh(session->loop);
    cli_session_watch(session);
    cli_keys_hold_signals(false);
    enum cli_exit code = cli_run_invocation(run, invocation);
    cli_keys_hold_signals(true);
    cli_session_unwatch(session);
    prompt->cancelled = session->interrupted;
    session->interrupted = false;
    if (code == CLI_EXIT_CONNECT || code == CLI_EXIT_TIMEOUT || code == CLI_EXIT_PROTOCOL)
        cli_session_disconnect(session);
    if (prompt->timing)
        fprintf(run->out, "%.2f ms\n", (double)(weft_loop_refresh(session->loop) - began) / 1e6);
}

/* Takes --json and --raw, which hold for one command, and returns how many words they took. */
static size_t take_options(struct cli_run *run, const struct cli_words *words)
{
    size_t i = 0;
    for (; i < words->count; i++) {
        if (strcmp(words->list[i], "--json") == 0)
            run->format = CLI_JSON;
        else if (strcmp(words->list[i], "--raw") == 0)
            run->format = CLI_RAW;
        else
            break;
    }
    return i;
}

/* The commands of the prompt are not those of a batch: a name that none has is refused with its
 * own. */
static int find(struct cli_invocation *invocation, const struct cli_words *words, size_t skip,
                const struct cli_value_source *source, struct weft_error *error)
{
    static const char *const own[] = {"timing", "quit", NULL};
    if (skip < words->count && !cli_command_named(words->list[skip]))
        return cli_command_refuse(weft_view_str(words->list[skip]), CLI_BATCH, own, error);
    return cli_invocation_init(invocation, words->list + skip, words->count - skip, source, error);
}

static void run_words(struct prompt *prompt, const struct cli_words *words)
{
    struct cli_run run = *prompt->run;
    const struct cli_value_source source = {.file_max = run.session->config->limits.max_message};
    struct cli_invocation invocation;
    struct weft_error error;
    size_t skip = take_options(&run, words);
    int err = find(&invocation, words, skip, &source, &error);
    if (err == 0) {
        err = cli_run_check(&run, invocation.command, &error);
        if (err == 0)
            run_invocation(prompt, &run, &invocation);
        /* The next prompt begins on a line of its own. */
        if (err == 0 && run.format == CLI_RAW)
            fputc('\n', run.out);
        if (cli_command_takes_table(invocation.command))
            cli_tables_see(&prompt->editor.seen, words->list[skip + 1]);
        cli_invocation_fini(&invocation);
    }
    if (err < 0)
        fprintf(run.err, "kvc: %s\n", error.text);
}

static void run_line(struct prompt *prompt, struct weft_view line)
{
    struct cli_words words;
    struct weft_error error;
    if (cli_words_split(&words, line, &error) < 0) {
        fprintf(prompt->run->err, "kvc: %s\n", error.text);
        return;
    }
    if (words.count > 0 && !run_local(prompt, &words))
        run_words(prompt, &words);
    cli_words_fini(&words);
    fflush(prompt->run->out);
}

/* A paste may bring several commands at once. Ctrl-C cancels those that are left, too. */
static void run_commands(struct prompt *prompt, struct weft_view text)
{
    prompt->cancelled = false;
    while (text.size > 0 && !prompt->leaving && !prompt->cancelled) {
        size_t size = cli_quotes_command(text, NULL);
        run_line(prompt, weft_view(text.data, size));
        text = weft_view_skip(text, size < text.size ? size + 1 : size);
    }
}

static void run_lines(struct prompt *prompt)
{
    enum cli_line found = CLI_LINE_READ;
    while (found != CLI_LINE_END && !prompt->leaving) {
        struct weft_view line;
        struct weft_error error;
        found = cli_editor_read(&prompt->editor, &line, &error);
        if (found == CLI_LINE_READ)
            run_commands(prompt, line);
        else if (found == CLI_LINE_REFUSED)
            fprintf(prompt->run->err, "kvc: %s\n", error.text);
    }
}

enum cli_exit cli_interactive(struct cli_run *run)
{
    struct prompt prompt = {.run = run};
    run->pretty = true;
    run->colours = cli_pretty_has_colours(run->out);
    int err = cli_editor_init(&prompt.editor, run->out, run->err);
    if (err < 0) {
        fprintf(run->err, "kvc: no prompt: %s\n", weft_strerror(err));
        return CLI_EXIT_USAGE;
    }
    fputs("help lists the commands, Tab completes, Ctrl-D leaves.\n", run->out);
    run_lines(&prompt);
    cli_editor_fini(&prompt.editor);
    return CLI_EXIT_DONE;
}
