/* SPDX-License-Identifier: MIT */
#include "editor.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/kvc/signals.h"

enum { HISTORY_SIZE = 1000 };

static struct cli_editor *editor_of(EditLine *edit)
{
    struct cli_editor *editor = NULL;
    el_get(edit, EL_CLIENTDATA, &editor);
    return editor;
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
    struct cli_editor *editor = editor_of(edit);
    snprintf(editor->hint, sizeof editor->hint, "%s", cli_complete_hint(line_to_cursor(edit)));
    return editor->hint;
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
    struct cli_editor *editor = editor_of(edit);
    enum cli_key key;
    while ((key = cli_keys_read(&editor->keys, character)) == CLI_KEY_RESIZE) {
        el_resize(edit); /* which takes the cursor for one at the edge */
        fputs("\r\x1b[J", editor->out);
        el_set(edit, EL_REFRESH);
    }
    editor->interrupted = key == CLI_KEY_INTERRUPT;
    return key == CLI_KEY_TYPED ? 1 : key == CLI_KEY_END ? 0 : -1;
}

static void list_candidates(const struct cli_editor *editor,
                            const struct cli_candidates *candidates)
{
    fputc('\n', editor->out);
    for (size_t i = 0; i < candidates->count; i++)
        fprintf(editor->out, "%s%s", i > 0 ? "  " : "", candidates->names[i]);
    fputc('\n', editor->out);
    fflush(editor->out);
}

static unsigned char on_tab(EditLine *edit, int key)
{
    struct cli_editor *editor = editor_of(edit);
    struct cli_candidates candidates;
    char rest[256];
    (void)key;
    cli_complete(&candidates, line_to_cursor(edit), &editor->seen);
    if (candidates.count == 0)
        return CC_ERROR;
    size_t typed = candidates.word.size;
    if (candidates.common == typed && candidates.count > 1) {
        list_candidates(editor, &candidates);
        return CC_REDISPLAY;
    }
    snprintf(rest, sizeof rest, "%.*s%s", (int)(candidates.common - typed),
             candidates.names[0] + typed, candidates.count == 1 ? " " : "");
    return el_insertstr(edit, rest) < 0 ? CC_ERROR : CC_REFRESH;
}

static void load_history(struct cli_editor *editor)
{
    HistEvent event;
    const char *home = getenv("HOME");
    if (home && *home)
        snprintf(editor->history_path, sizeof editor->history_path, "%s/.kvc_history", home);
    history(editor->history, &event, H_SETSIZE, HISTORY_SIZE);
    history(editor->history, &event, H_SETUNIQUE, 1);
    if (*editor->history_path)
        history(editor->history, &event, H_LOAD, editor->history_path);
}

/* It holds values, which are the user's own. */
static void save_history(struct cli_editor *editor)
{
    HistEvent event;
    mode_t mask = umask(S_IRWXG | S_IRWXO);
    if (*editor->history_path)
        history(editor->history, &event, H_SAVE, editor->history_path);
    umask(mask);
}

static void set_up(struct cli_editor *editor)
{
    EditLine *edit = editor->edit;
    el_set(edit, EL_CLIENTDATA, editor);
    el_set(edit, EL_PROMPT, left_prompt);
    el_set(edit, EL_RPROMPT, right_prompt);
    el_set(edit, EL_GETCFN, read_key);
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_HIST, history, editor->history);
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

int cli_editor_init(struct cli_editor *editor, FILE *out, FILE *err_out)
{
    *editor = (struct cli_editor){.out = out, .history = history_init()};
    int err = editor->history ? cli_keys_init(&editor->keys, STDIN_FILENO) : -ENOMEM;
    if (err < 0)
        goto err_after_history;
    setlocale(LC_CTYPE, "");
    cli_alarm_keep_modes(STDIN_FILENO);
    editor->edit = el_init("kvc", stdin, out, err_out);
    if (!editor->edit) {
        err = -ENOMEM;
        goto err_after_keys;
    }
    load_history(editor);
    set_up(editor);
    return 0;

err_after_keys:
    cli_keys_fini(&editor->keys);
err_after_history:
    if (editor->history)
        history_end(editor->history);
    return err;
}

void cli_editor_fini(struct cli_editor *editor)
{
    save_history(editor);
    el_end(editor->edit);
    cli_keys_fini(&editor->keys);
    history_end(editor->history);
    cli_tables_fini(&editor->seen);
}

static void remember(struct cli_editor *editor, const char *line)
{
    HistEvent event;
    if (line[strspn(line, " \t\r\n")] != '\0')
        history(editor->history, &event, H_ENTER, line);
}

enum cli_line cli_editor_read(struct cli_editor *editor, struct weft_view *line)
{
    int count = 0;
    editor->interrupted = false;
    const char *text = el_gets(editor->edit, &count);
    if (text && count > 0) {
        remember(editor, text);
        *line = weft_view(text, strcspn(text, "\n"));
        return CLI_LINE_READ;
    }
    fputc('\n', editor->out);
    fflush(editor->out);
    el_reset(editor->edit);
    return editor->interrupted ? CLI_LINE_DROPPED : CLI_LINE_END;
}
