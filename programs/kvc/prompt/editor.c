/* SPDX-License-Identifier: MIT */
#include "editor.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "programs/kvc/signals.h"
#include "editrc.h"
#include "quotes.h"
#include "wide.h"

/* The key that libedit is handed for a paste. A person can type this character, too, which a paste
 * that is pending tells apart. */
enum { PASTE_KEY = 0x9f };

/* A terminal that knows bracketed paste puts marks around what is pasted; others ignore this. */
static const char marks_on[] = "\x1b[?2004h", marks_off[] = "\x1b[?2004l";

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

/* Replaces editor->line by the bytes of text. False: there is no memory. */
static bool take_bytes(struct cli_editor *editor, const wchar_t *text, size_t count)
{
    weft_buf_consume(&editor->line, weft_buf_size(&editor->line));
    return cli_wide_encode(&editor->line, text, count) == 0;
}

static struct weft_view line_to_cursor(EditLine *edit)
{
    struct cli_editor *editor = editor_of(edit);
    const LineInfoW *line = el_wline(edit);
    if (!take_bytes(editor, line->buffer, (size_t)(line->cursor - line->buffer)))
        return weft_view("", 0);
    /* Never NULL, as its readers compare it with names. */
    return weft_buf_size(&editor->line) > 0 ? weft_buf_view(&editor->line) : weft_view("", 0);
}

static char *right_prompt(EditLine *edit)
{
    struct cli_editor *editor = editor_of(edit);
    snprintf(editor->hint, sizeof editor->hint, "%s", cli_complete_hint(line_to_cursor(edit)));
    return editor->hint;
}

/* libedit draws the right prompt again only when it draws the whole line. */
static unsigned char on_space(EditLine *edit, int key)
{
    (void)key;
    return el_winsertstr(edit, L" ") < 0 ? CC_ERROR : CC_REFRESH;
}

static unsigned char on_paste(EditLine *edit, int key)
{
    struct cli_editor *editor = editor_of(edit);
    const wchar_t typed[] = {key, 0};
    const wchar_t *text = editor->pending ? editor->pending : typed;
    editor->spoiled = editor->spoiled || (*text && el_winsertstr(edit, text) < 0);
    weft_free(editor->pending);
    editor->pending = NULL;
    return CC_REFRESH;
}

static int begin_paste(struct cli_editor *editor, struct weft_view bytes, wchar_t *key)
{
    editor->pending = cli_wide_copy(bytes);
    editor->spoiled = editor->spoiled || !editor->pending || !bytes.data;
    /* A terminal sends a line end as Enter does. */
    for (wchar_t *at = editor->pending; at && *at; at++) {
        if (*at == L'\r' && at[1] != L'\n')
            *at = L'\n';
    }
    *key = PASTE_KEY;
    return 1;
}

/* Within quotes a tab and the line ends of a terminal that does not mark its pastes are text. An
 * Enter with nothing behind it is a person's, who is told what is missing. */
static int take_typed(struct cli_editor *editor, wchar_t *key)
{
    bool is_enter = *key == L'\r' || *key == L'\n';
    bool may_be_text = *key == L'\t' || (is_enter && cli_keys_has_more(&editor->keys));
    if (may_be_text && cli_quotes_are_open(line_to_cursor(editor->edit)))
        return begin_paste(editor, weft_view(is_enter ? "\n" : "\t", 1), key);
    return 1;
}

static void draw_again(struct cli_editor *editor)
{
    fputs("\r\x1b[J", editor->out);
    el_set(editor->edit, EL_REFRESH);
}

/* Whatever mode the terminal is in now, libedit sets its own. */
static void resume(struct cli_editor *editor)
{
    el_set(editor->edit, EL_PREP_TERM, 0);
    el_set(editor->edit, EL_PREP_TERM, 1);
    fputs(marks_on, editor->out);
    draw_again(editor);
}

static void suspend(struct cli_editor *editor)
{
    fputs(marks_off, editor->out);
    fflush(editor->out);
    el_set(editor->edit, EL_PREP_TERM, 0);
    (void)tcsetattr(editor->keys.terminal, TCSADRAIN, &editor->modes);
    cli_keys_stop();
    resume(editor);
}

/* libedit's own reading loses a Ctrl-C that comes while it draws, and learns of no new size. */
static int read_key(EditLine *edit, wchar_t *character)
{
    struct cli_editor *editor = editor_of(edit);
    editor->spoiled = editor->spoiled || editor->pending; /* another command has taken the key */
    weft_free(editor->pending);
    editor->pending = NULL;
    for (;;) {
        switch (cli_keys_read(&editor->keys, character)) {
        case CLI_KEY_TYPED:
            return take_typed(editor, character);
        case CLI_KEY_PASTE:
            return begin_paste(editor, editor->keys.paste, character);
        case CLI_KEY_INTERRUPT:
            editor->interrupted = true;
            return -1;
        case CLI_KEY_SUSPEND:
            suspend(editor);
            break;
        case CLI_KEY_RESUME:
            resume(editor);
            break;
        case CLI_KEY_RESIZE:
            el_resize(edit); /* which takes the cursor to be at the edge */
            draw_again(editor);
            break;
        case CLI_KEY_END:
            return 0;
        }
    }
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

static unsigned char insert(EditLine *edit, struct weft_view bytes)
{
    wchar_t *text = cli_wide_copy(bytes);
    int err = text ? el_winsertstr(edit, text) : -ENOMEM;
    weft_free(text);
    return err < 0 ? CC_ERROR : CC_REFRESH;
}

static unsigned char on_tab(EditLine *edit, int key)
{
    struct cli_editor *editor = editor_of(edit);
    struct cli_candidates candidates;
    (void)key;
    cli_complete(&candidates, line_to_cursor(edit), &editor->seen);
    /* If nothing completes, a tab with more input behind it is part of a paste: a blank. */
    if (candidates.count == 0)
        return cli_keys_has_more(&editor->keys) ? insert(edit, weft_view("\t", 1)) : CC_ERROR;
    size_t typed = candidates.word.size;
    if (candidates.common == typed && candidates.count > 1) {
        list_candidates(editor, &candidates);
        return CC_REDISPLAY;
    }
    unsigned char result = CC_REFRESH;
    if (candidates.common > typed)
        result = insert(edit, weft_view(candidates.names[0] + typed, candidates.common - typed));
    if (candidates.count == 1 && result == CC_REFRESH)
        result = insert(edit, weft_view(" ", 1));
    return result;
}

/* In emacs keys, and in vi keys while text is inserted. libedit takes the characters from 0x80 to
 * 0xff for keys with Meta, which is sent as an escape; here they are text. */
static void bind_keys(EditLine *edit)
{
    char key[8];
    for (int character = 0x80; character <= 0xff; character++) {
        snprintf(key, sizeof key, "\\%o", character);
        el_set(edit, EL_BIND, key, character == PASTE_KEY ? "kvc-paste" : "ed-insert", NULL);
    }
    snprintf(key, sizeof key, "\\%o", PASTE_KEY);
    el_set(edit, EL_BIND, "-a", key, "kvc-paste", NULL);
    el_set(edit, EL_BIND, "^I", "kvc-complete", NULL);
    el_set(edit, EL_BIND, " ", "kvc-space", NULL);
    el_set(edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
}

static void set_up(struct cli_editor *editor)
{
    EditLine *edit = editor->edit;
    el_set(edit, EL_CLIENTDATA, editor);
    el_set(edit, EL_PROMPT, left_prompt);
    el_set(edit, EL_RPROMPT, right_prompt);
    el_set(edit, EL_GETCFN, read_key);
    el_set(edit, EL_EDITOR, "emacs");
    el_set(edit, EL_HIST, history, editor->history.list);
    el_set(edit, EL_ADDFN, "kvc-complete", "complete a word", on_tab);
    el_set(edit, EL_ADDFN, "kvc-space", "insert a space and show the usage", on_space);
    el_set(edit, EL_ADDFN, "kvc-paste", "insert what is pasted", on_paste);
    bind_keys(edit);
    cli_editrc_run(edit, bind_keys);
    /* While a line is edited, every byte is a key or text of a paste: none makes a signal, none
     * stops the output, and an Enter is not a line feed. */
    el_set(edit, EL_SETTY, "-d", "-isig", "-ixon", "-icrnl", NULL);
    /* While a command runs, what is typed ahead or pasted is kept for the next line as it is. The
     * terminal would show it at once, and take a Ctrl-D out of it. */
    el_set(edit, EL_SETTY, "-x", "-echo", "-icanon", "-icrnl", NULL);
    fputs(marks_on, editor->out);
}

/* libedit draws and decodes the history by the locale. In one that has no UTF-8, as in a fresh
 * container, text beyond ASCII would not be shown. */
static void choose_locale(void)
{
    if (!setlocale(LC_CTYPE, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

int cli_editor_init(struct cli_editor *editor, FILE *out, FILE *err_out)
{
    *editor = (struct cli_editor){.out = out};
    int err = cli_history_init(&editor->history);
    if (err < 0)
        return err;
    err = cli_keys_init(&editor->keys, STDIN_FILENO);
    if (err < 0)
        goto err_after_history;
    choose_locale();
    (void)tcgetattr(STDIN_FILENO, &editor->modes);
    cli_alarm_keep_modes(STDIN_FILENO);
    editor->edit = el_init("kvc", stdin, out, err_out);
    if (!editor->edit) {
        err = -ENOMEM;
        goto err_after_keys;
    }
    set_up(editor);
    return 0;

err_after_keys:
    cli_keys_fini(&editor->keys);
err_after_history:
    cli_history_fini(&editor->history);
    return err;
}

void cli_editor_fini(struct cli_editor *editor)
{
    fputs(marks_off, editor->out);
    fflush(editor->out);
    el_end(editor->edit);
    cli_keys_fini(&editor->keys);
    cli_history_fini(&editor->history);
    cli_tables_fini(&editor->seen);
    weft_buf_fini(&editor->line);
    weft_free(editor->pending);
}

static enum cli_line refuse(struct weft_error *error, int code, const char *text)
{
    weft_error_set(error, code, "%s", text);
    return CLI_LINE_REFUSED;
}

/* The bytes end in a NUL, which is not counted. */
static enum cli_line take_line(struct cli_editor *editor, const wchar_t *text, size_t count,
                               struct weft_view *line, struct weft_error *error)
{
    count -= text[count - 1] == L'\n';
    if (!take_bytes(editor, text, count) || weft_buf_append(&editor->line, weft_view("", 1)) < 0)
        return refuse(error, -ENOMEM, "out of memory");
    struct weft_view bytes = weft_buf_view(&editor->line);
    *line = weft_view(bytes.data, bytes.size - 1);
    if (editor->spoiled)
        return refuse(error, WEFT_ECONFIG, "the line was not sent: a paste is missing in it");
    if (!weft_utf8_valid(*line))
        return refuse(error, WEFT_ECONFIG,
                      "the line was not sent: it has bytes that are not UTF-8, as of a terminal in "
                      "another encoding");
    cli_history_add(&editor->history, (const char *)line->data);
    return CLI_LINE_READ;
}

enum cli_line cli_editor_read(struct cli_editor *editor, struct weft_view *line,
                              struct weft_error *error)
{
    int count = 0;
    editor->interrupted = editor->spoiled = false;
    const wchar_t *text = el_wgets(editor->edit, &count);
    if (text && count > 0)
        return take_line(editor, text, (size_t)count, line, error);
    fputc('\n', editor->out);
    fflush(editor->out);
    el_reset(editor->edit);
    return editor->interrupted ? CLI_LINE_DROPPED : CLI_LINE_END;
}
