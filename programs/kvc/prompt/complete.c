/* SPDX-License-Identifier: MIT */
#include "complete.h"

#include <strings.h>

#include "core/base/mem.h"
#include "programs/kvc/command.h"

static const struct cli_local_command local_commands[] = {
    {"timing", "on|off", "print how long each command took"},
    {"quit", "", "leave, as exit and Ctrl-D do"},
    {NULL, NULL, NULL},
};

static const char *const options[] = {"--json", "--raw", NULL};
static const char *const switches[] = {"on", "off", NULL};

const struct cli_local_command *cli_local_commands(void)
{
    return local_commands;
}

/* True if the name needs no quotes in a line. */
static bool is_plain(const char *name)
{
    for (; *name; name++) {
        if ((unsigned char)*name <= ' ' || *name == 0x7f || strchr("'\"\\#", *name))
            return false;
    }
    return true;
}

void cli_tables_see(struct cli_tables_seen *seen, const char *name)
{
    if (*name == '\0' || !is_plain(name))
        return;
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->names[i], name) == 0)
            return;
    }
    size_t size = strlen(name) + 1;
    char *copy = seen->count < CLI_TABLES_SEEN ? weft_malloc(size) : NULL;
    if (copy)
        seen->names[seen->count++] = memcpy(copy, name, size);
}

void cli_tables_fini(struct cli_tables_seen *seen)
{
    while (seen->count > 0)
        weft_free(seen->names[--seen->count]);
}

static bool is_option(struct weft_view word)
{
    return word.size >= 2 && memcmp(word.data, "--", 2) == 0;
}

/* Takes the next word off the line, quotes and all. If the line is empty then, the word is the last
 * one, and it may be empty itself. */
static struct weft_view next_word(struct weft_view *line)
{
    while (line->size > 0 && *line->data == ' ')
        *line = weft_view_skip(*line, 1);
    const uint8_t *blank = line->size > 0 ? memchr(line->data, ' ', line->size) : NULL;
    size_t size = blank ? (size_t)(blank - line->data) : line->size;
    struct weft_view word = weft_view(line->data, size);
    *line = weft_view_skip(*line, size);
    return word;
}

static bool is_named(struct weft_view word, const char *name)
{
    return word.size == strlen(name) && strncasecmp((const char *)word.data, name, word.size) == 0;
}

/* True if a character of UTF-8 begins before this byte and ends behind it. */
static bool is_within_character(const char *text, size_t at)
{
    return ((unsigned char)text[at] & 0xc0) == 0x80;
}

static void offer(struct cli_candidates *candidates, const char *name)
{
    size_t size = candidates->word.size;
    if (strncmp(name, (const char *)candidates->word.data, size) != 0 ||
        candidates->count == CLI_CANDIDATES)
        return;
    const char *first = candidates->names[0];
    if (candidates->count == 0)
        candidates->common = strlen(name);
    else
        for (size_t i = 0; i < candidates->common; i++) {
            if (first[i] != name[i])
                candidates->common = i;
        }
    /* Names may differ within a character: only whole characters are common. */
    while (candidates->common > size && is_within_character(name, candidates->common))
        candidates->common--;
    candidates->names[candidates->count++] = name;
}

static void offer_all(struct cli_candidates *candidates, const char *const *names)
{
    for (; *names; names++)
        offer(candidates, *names);
}

static void offer_commands(struct cli_candidates *candidates)
{
    for (const struct cli_command *command = cli_command_table(); command->name; command++) {
        if (cli_command_is_of_prompt(command))
            offer(candidates, command->name);
    }
    for (const struct cli_local_command *own = local_commands; own->name; own++)
        offer(candidates, own->name);
}

static const struct cli_command *command_of(struct weft_view word)
{
    const struct cli_command *command = cli_command_table();
    while (command->name && !is_named(word, command->name))
        command++;
    return command->name && cli_command_is_of_prompt(command) ? command : NULL;
}

static void offer_options_of(struct cli_candidates *candidates, const struct cli_command *command)
{
    for (const struct cli_option *option = cli_command_options(); option->name; option++) {
        if (cli_option_is_of(option, command->name))
            offer(candidates, cli_option_dashed(option));
    }
}

void cli_complete(struct cli_candidates *candidates, struct weft_view line,
                  const struct cli_tables_seen *seen)
{
    *candidates = (struct cli_candidates){0};
    struct weft_view command = next_word(&line);
    while (is_option(command) && line.size > 0)
        command = next_word(&line);
    candidates->word = command;
    if (line.size == 0) {
        if (is_option(command))
            offer_all(candidates, options);
        else
            offer_commands(candidates);
        return;
    }
    const struct cli_command *sent = command_of(command);
    bool is_first = true;
    candidates->word = next_word(&line);
    for (; sent && line.size > 0; is_first = false)
        candidates->word = next_word(&line);
    if (sent && is_option(candidates->word))
        offer_options_of(candidates, sent);
    if (line.size > 0 || !is_first)
        return;
    if (is_named(command, "help"))
        offer_commands(candidates);
    else if (is_named(command, "timing"))
        offer_all(candidates, switches);
    else if (sent && cli_command_takes_table(sent))
        for (size_t i = 0; i < seen->count; i++)
            offer(candidates, seen->names[i]);
}

const char *cli_complete_hint(struct weft_view line)
{
    struct weft_view word = next_word(&line);
    while (is_option(word) && line.size > 0)
        word = next_word(&line);
    const struct cli_command *command = command_of(word);
    if (command)
        return cli_shape_arguments(command->shape);
    for (const struct cli_local_command *own = local_commands; own->name; own++) {
        if (is_named(word, own->name))
            return own->arguments;
    }
    return "";
}
