/* SPDX-License-Identifier: MIT */
#include "services/kv/cli/interactive.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/kv/cli/alarm.h"
#include "services/kv/cli/complete.h"
#include "services/kv/cli/help.h"
#include "services/kv/cli/keys.h"
#include "services/kv/cli/pretty.h"
#include "services/kv/cli/words.h"

enum { HISTORY_SIZE = 1000, PATH_SIZE = 4096, HINT_SIZE = 64 };

struct prompt {
    struct cli_run *run;
    EditLine *edit;
    History *history;
    char history_path[PATH_SIZE]; /* "": nowhere */
    char hint[HINT_SIZE];
    struct cli_tables_seen seen;
    struct cli_keys keys;
    bool timing, interrupted, leaving;
};

static struct prompt *prompt_of(EditLine *edit)
{
    struct prompt *prompt = NULL;
    el_get(edit, EL_CLIENTDATA, &prompt);
    return prompt;
}

static char *left_prompt(EditLine *edit)
{
    static char text[] = "kvc> ";
    (void)edit;
    return text;
}

static struct weft_view line_to_cursor(EditLine *edit)
{
    const LineInfo *line = el_line(edit);
    return weft_view(line->buffer, (size_t)(line->cursor - line->buffer));
}

static char *right_prompt(EditLine *edit)
{
    struct prompt *prompt = prompt_of(edit);
    snprintf(prompt->hint, sizeof prompt->hint, "%s", cli_complete_hint(line_to_cursor(edit)));
    return prompt->hint;
}

/* libedit draws the right prompt again only where the whole line is. */
static unsigned char on_space(EditLine *edit, int key)
{
    (void)key;
    return el_insertstr(edit, " ") < 0 ? CC_ERROR : CC_REFRESH;
}

/* libedit's own reading loses a Ctrl-C that comes while it draws, and hears of no new size. */
static int read_key(EditLine *edit, wchar_t *character)
{
    struct prompt *prompt = prompt_of(edit);
    enum cli_key key;
    while ((key = cli_keys_read(&prompt->keys, character)) == CLI_KEY_RESIZE) {
        el_resize(edit); /* which takes the cursor for one at the edge */
        fputs("\r\x1b[J", prompt->run->out);
        el_set(edit, EL_REFRESH);
    }
    prompt->interrupted = key == CLI_KEY_INTERRUPT;
    return key == CLI_KEY_TYPED ? 1 : key == CLI_KEY_END ? 0 : -1;
}

static void list_candidates(const struct prompt *prompt, const struct cli_candidates *candidates)
{
    fputc('\n', prompt->run->out);
    for (size_t i = 0; i < candidates->count; i++)
        fprintf(prompt->run->out, "%s%s", i > 0 ? "  " : "", candidates->names[i]);
    fputc('\n', prompt->run->out);
    fflush(prompt->run->out);
}

static unsigned char on_tab(EditLine *edit, int key)
{
    struct prompt *prompt = prompt_of(edit);
    struct cli_candidates candidates;
    char rest[256];
    (void)key;
    cli_complete(&candidates, line_to_cursor(edit), &prompt->seen);
    if (candidates.count == 0)
        return CC_ERROR;
    size_t typed = candidates.word.size;
    if (candidates.common == typed && candidates.count > 1) {
        list_candidates(prompt, &candidates);
        return CC_REDISPLAY;
    }
    snprintf(rest, sizeof rest, "%.*s%s", (int)(candidates.common - typed),
             candidates.names[0] + typed, candidates.count == 1 ? " " : "");
    return el_insertstr(edit, rest) < 0 ? CC_ERROR : CC_REFRESH;
}

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

/* False: it is none of the prompt's own. */
static bool run_local(struct prompt *prompt, const struct cli_words *words)
{
    const char *name = words->list[0];
    if (strcmp(name, "help") == 0)
        help(prompt, words);
    else if (strcmp(name, "timing") == 0)
        set_timing(prompt, words);
    else if (strcmp(name, "quit") == 0 || strcmp(name, "exit") == 0)
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
    cli_keys_hold_interrupt(false);
    enum cli_exit code = cli_run_invocation(run, invocation);
    cli_keys_hold_interrupt(true);
    cli_session_unwatch(session);
    session->interrupted = false;
    if (code == CLI_EXIT_CONNECT || code == CLI_EXIT_TIMEOUT || code == CLI_EXIT_PROTOCOL)
        cli_session_disconnect(session);
    if (prompt->timing)
        fprintf(run->out, "%.2f ms\n", (double)(weft_loop_refresh(session->loop) - began) / 1e6);
}

/* --json and --raw hold for one command. */
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

static void run_words(struct prompt *prompt, const struct cli_words *words)
{
    struct cli_run run = *prompt->run;
    const struct cli_value_source source = {.file_max = run.session->config->limits.max_message};
    struct cli_invocation invocation;
    struct weft_error error;
    size_t skip = take_options(&run, words);
    int err =
        cli_invocation_init(&invocation, words->list + skip, words->count - skip, &source, &error);
    if (err == 0) {
        err = cli_run_check(&run, invocation.command, &error);
        if (err == 0)
            run_invocation(prompt, &run, &invocation);
        if (invocation.command->shape != CLI_NOTHING)
            cli_tables_see(&prompt->seen, words->list[skip + 1]);
        cli_invocation_fini(&invocation);
    }
    if (err < 0)
        fprintf(run.err, "kvc: %s\n", error.text);
}

static void run_line(struct prompt *prompt, const char *line)
{
    struct cli_words words;
    struct weft_error error;
    struct weft_view view = weft_view(line, strcspn(line, "\n"));
    if (cli_words_split(&words, view, &error) < 0) {
        fprintf(prompt->run->err, "kvc: %s\n", error.text);
        return;
    }
    if (words.count > 0) {
        HistEvent event;
        history(prompt->history, &event, H_ENTER, line);
        if (!run_local(prompt, &words))
            run_words(prompt, &words);
    }
    cli_words_fini(&words);
    fflush(prompt->run->out);
}

static void read_lines(struct prompt *prompt)
{
    while (!prompt->leaving) {
        int count = 0;
        prompt->interrupted = false;
        const char *line = el_gets(prompt->edit, &count);
        if (line && count > 0) {
            run_line(prompt, line);
        } else {
            fputc('\n', prompt->run->out);
            fflush(prompt->run->out);
            prompt->leaving = !prompt->interrupted;
            el_reset(prompt->edit);
        }
    }
}

static void load_history(struct prompt *prompt)
{
    HistEvent event;
    const char *home = getenv("HOME");
    if (home && *home)
        snprintf(prompt->history_path, sizeof prompt->history_path, "%s/.kvc_history", home);
    history(prompt->history, &event, H_SETSIZE, HISTORY_SIZE);
    history(prompt->history, &event, H_SETUNIQUE, 1);
    if (*prompt->history_path)
        history(prompt->history, &event, H_LOAD, prompt->history_path);
}

/* It holds values, which are the user's own. */
static void save_history(struct prompt *prompt)
{
    HistEvent event;
    mode_t mask = umask(S_IRWXG | S_IRWXO);
    if (*prompt->history_path)
        history(prompt->history, &event, H_SAVE, prompt->history_path);
    umask(mask);
}

static void set_up(struct prompt *prompt)
{
    EditLine *edit = prompt->edit;
    el_set(edit, EL_CLIENTDATA, prompt);
    el_set(edit, EL_PROMPT, left_prompt);
    el_set(edit, EL_RPROMPT, right_prompt);
    el_set(edit, EL_GETCFN, read_key);
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_HIST, history, prompt->history);
    el_set(edit, EL_ADDFN, "kvc-complete", "complete a word", on_tab);
    el_set(edit, EL_ADDFN, "kvc-space", "insert a space and show the usage", on_space);
    el_set(edit, EL_BIND, "^I", "kvc-complete", NULL);
    el_set(edit, EL_BIND, " ", "kvc-space", NULL);
    el_set(edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    /* While a command runs: what is typed ahead, or pasted, is kept for the next line as it is. The
     * terminal would show it at once, and take a Ctrl-D out of it. */
    el_set(edit, EL_SETTY, "-x", "-echo", "-icanon", NULL);
    el_source(edit, NULL);
}

static int edit_lines(struct prompt *prompt)
{
    struct cli_run *run = prompt->run;
    cli_alarm_keep_modes(STDIN_FILENO);
    prompt->edit = el_init("kvc", stdin, run->out, run->err);
    if (!prompt->edit)
        return -ENOMEM;
    load_history(prompt);
    set_up(prompt);
    fputs("help lists the commands, Tab completes, Ctrl-D leaves.\n", run->out);
    read_lines(prompt);
    save_history(prompt);
    el_end(prompt->edit);
    return 0;
}

enum cli_exit cli_interactive(struct cli_run *run)
{
    struct prompt prompt = {.run = run, .history = history_init()};
    int err = prompt.history ? cli_keys_init(&prompt.keys, STDIN_FILENO) : -ENOMEM;
    run->pretty = true;
    run->colours = cli_pretty_has_colours(run->out);
    setlocale(LC_CTYPE, "");
    if (err == 0) {
        err = edit_lines(&prompt);
        cli_keys_fini(&prompt.keys);
    }
    if (err < 0)
        fprintf(run->err, "kvc: no prompt: %s\n", weft_strerror(err));
    if (prompt.history)
        history_end(prompt.history);
    cli_tables_fini(&prompt.seen);
    return err < 0 ? CLI_EXIT_USAGE : CLI_EXIT_DONE;
}
