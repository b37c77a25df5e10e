/* SPDX-License-Identifier: MIT */
#include "editrc.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_file(void)
{
    char path[4096];
    const char *named = getenv("EDITRC"), *home = getenv("HOME");
    if (named && *named)
        return fopen(named, "re");
    if (!home || !*home)
        return NULL;
    snprintf(path, sizeof path, "%s/.editrc", home);
    return fopen(path, "re");
}

static bool chooses_editor(int count, const char **words)
{
    size_t size = count == 2 ? strlen(words[0]) : 0;
    return size >= 4 && strcmp(words[0] + size - 4, "bind") == 0 &&
           (strcmp(words[1], "-v") == 0 || strcmp(words[1], "-e") == 0);
}

static void run_line(EditLine *edit, Tokenizer *tokenizer, const char *line,
                     void (*bind_keys)(EditLine *edit))
{
    int count;
    const char **words;
    line += strspn(line, " \t");
    tok_reset(tokenizer);
    if (*line == '#' || tok_str(tokenizer, line, &count, &words) != 0 || count == 0)
        return;
    (void)el_parse(edit, count, words);
    if (chooses_editor(count, words))
        bind_keys(edit);
}

void cli_editrc_run(EditLine *edit, void (*bind_keys)(EditLine *edit))
{
    char *line = NULL;
    size_t size = 0;
    FILE *file = open_file();
    Tokenizer *tokenizer = file ? tok_init(NULL) : NULL;
    while (tokenizer && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        run_line(edit, tokenizer, line, bind_keys);
    }
    free(line);
    if (tokenizer)
        tok_end(tokenizer);
    if (file)
        fclose(file);
}
