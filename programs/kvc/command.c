/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/log.h"
#include "programs/lib/suggest.h"

enum {
    OF_SET = CLI_TAKES_EXPIRY | CLI_TAKES_CONDITION | CLI_TAKES_VERSION,
    OF_DEL = CLI_TAKES_VERSION,
    OF_GET = CLI_TAKES_STATE,
    OF_SCAN = CLI_TAKES_FILTER
};

static const struct cli_command commands[] = {
    {"hget", WEFT_KV_HGET, CLI_KEY, false, "print a key's value", OF_GET},
    {"hgetall", WEFT_KV_HGETALL, CLI_TABLE, false, "print all pairs, sorted by key", 0},
    {"hmget", WEFT_KV_HMGET, CLI_KEYS, false, "print several values", OF_GET},
    {"hset", WEFT_KV_HSET, CLI_PAIR, true, "set a key, print its old value", OF_SET},
    {"hmset", WEFT_KV_HMSET, CLI_PAIRS, true, "set several keys at once", OF_SET},
    {"hincr", WEFT_KV_HINCR, CLI_SUM, true, "add to a number, print the sum", 0},
    {"hdel", WEFT_KV_HDEL, CLI_KEY, true, "delete a key, print its old value", OF_DEL},
    {"hmdel", WEFT_KV_HMDEL, CLI_KEYS, true, "delete several keys at once", OF_DEL},
    {"hexist", WEFT_KV_HEXIST, CLI_KEY, false, "print whether a key is there", 0},
    {"hmexist", WEFT_KV_HMEXIST, CLI_KEYS, false, "print whether each key is there", 0},
    {"hexpire", WEFT_KV_HEXPIRE, CLI_EXPIRE, true, "let a key expire then, or never", 0},
    {"httl", WEFT_KV_HEXPIRE, CLI_KEYS, false, "print the seconds left, or never", 0},
    {"hpersist", WEFT_KV_HEXPIRE, CLI_KEYS, true, "let keys expire no more", 0},
    {"hscan", WEFT_KV_HSCAN, CLI_PAGE, false, "print a page of pairs, see --json", OF_SCAN},
    {"tables", WEFT_KV_TABLES, CLI_NAMES, false, "print tables and their sizes", 0},
    {"count", WEFT_KV_COUNT, CLI_WHOLE, false, "print the number of keys", 0},
    {"drop", WEFT_KV_DROP, CLI_WHOLE, true, "delete a table, print its size", 0},
    {"publish", WEFT_KV_PUBLISH, CLI_VALUES, true, "send values to subscribers", 0},
    {"ping", WEFT_KV_HEXIST, CLI_NOTHING, false, "exchange a message, print its time", 0},
    {"help", 0, CLI_HELP, false, "explain a command, or all of them", 0},
    {"batch", 0, CLI_BATCH, true, "send commands, one a line", 0},
    {"import", 0, CLI_IMPORT, true, "set a table from CSV or NDJSON", 0},
    {"export", 0, CLI_EXPORT, false, "write a table as CSV or NDJSON", 0},
    {"backup", 0, CLI_BACKUP, false, "copy all tables while others write", 0},
    {"restore", 0, CLI_RESTORE, true, "set all that a backup has", 0},
    {"journal", 0, CLI_JOURNAL, false, "print the files of memory:DIR", 0},
    {"watch", 0, CLI_FOLLOW, false, "print changes as they come", CLI_TAKES_STATE},
    {"subscribe", 0, CLI_TOPICS, false, "print messages as they come", 0},
    {"info", 0, CLI_ADMIN, false, "print what kvs is and has counted", 0},
    {"top", 0, CLI_ADMIN, false, "show what kvs does, again and again", 0},
    {"clients", 0, CLI_ADMIN, false, "print the connections of kvs", 0},
    {"kill", 0, CLI_ADMIN_CONNECTION, false, "end a connection of kvs", 0},
    {"slowlog", 0, CLI_ADMIN, false, "print the latest slow requests", 0},
    {"loglevel", 0, CLI_ADMIN_LEVEL, false, "set what kvs logs", 0},
    {"reload", 0, CLI_ADMIN, false, "have kvs read its files anew", 0},
    {"drain", 0, CLI_ADMIN, false, "have kvs finish and end", 0},
    {"bench", 0, CLI_BENCH, true, "measure the server under load", 0},
    {.name = NULL},
};

const struct cli_command *cli_command_table(void)
{
    return commands;
}

const char *cli_shape_arguments(enum cli_shape shape)
{
    switch (shape) {
    case CLI_NOTHING:
        break;
    case CLI_TABLE:
        return "TABLE";
    case CLI_PAGE:
        return "TABLE [CURSOR [LIMIT]]";
    case CLI_HELP:
        return "[COMMAND]";
    case CLI_BATCH:
        return "[FILE]";
    case CLI_IMPORT:
        return "TABLE FILE";
    case CLI_EXPORT:
        return "TABLE [FILE]";
    case CLI_BACKUP:
    case CLI_RESTORE:
        return "FILE";
    case CLI_FOLLOW:
        return "TABLE [KEY|PREFIX*]";
    case CLI_TOPICS:
        return "TOPIC...";
    case CLI_VALUES:
        return "TOPIC VALUE...";
    case CLI_JOURNAL:
        return "DIR";
    case CLI_ADMIN:
        break;
    case CLI_ADMIN_CONNECTION:
        return "ID";
    case CLI_ADMIN_LEVEL:
        return "LEVEL";
    case CLI_BENCH:
        return "[OPTION]...";
    case CLI_KEY:
        return "TABLE KEY";
    case CLI_KEYS:
        return "TABLE KEY...";
    case CLI_PAIR:
        return "TABLE KEY VALUE";
    case CLI_PAIRS:
        return "TABLE KEY VALUE [KEY VALUE]...";
    case CLI_SUM:
        return "TABLE KEY [NUMBER]";
    case CLI_EXPIRE:
        return "TABLE KEY TIME";
    case CLI_NAMES:
        return "[PREFIX [CURSOR [LIMIT]]]";
    case CLI_WHOLE:
        return "TABLE";
    case CLI_SHAPES:
        break;
    }
    return "";
}

const char *cli_shape_arguments_of_all(enum cli_shape shape)
{
    return shape == CLI_IMPORT ? "--all FILE" : shape == CLI_FOLLOW ? "--all" : "--all [FILE]";
}

/* True if a command of this shape takes `count` words. */
static bool count_fits(enum cli_shape shape, size_t count)
{
    switch (shape) {
    case CLI_NOTHING:
    case CLI_ADMIN:
    case CLI_BENCH:
        return count == 0;
    case CLI_TABLE:
    case CLI_WHOLE:
    case CLI_JOURNAL:
    case CLI_BACKUP:
    case CLI_RESTORE:
    case CLI_ADMIN_CONNECTION:
    case CLI_ADMIN_LEVEL:
        return count == 1;
    case CLI_NAMES:
        return count <= 3;
    case CLI_PAGE:
        return count >= 1 && count <= 3;
    case CLI_HELP:
    case CLI_BATCH:
        return count <= 1;
    case CLI_EXPORT:
    case CLI_FOLLOW:
        return count == 1 || count == 2;
    case CLI_IMPORT:
    case CLI_KEY:
        return count == 2;
    case CLI_TOPICS:
        return count >= 1;
    case CLI_KEYS:
    case CLI_VALUES:
        return count >= 2;
    case CLI_PAIR:
    case CLI_EXPIRE:
        return count == 3;
    case CLI_SUM:
        return count == 2 || count == 3;
    case CLI_PAIRS:
        return count >= 3 && count % 2 == 1;
    case CLI_SHAPES:
        break;
    }
    return false;
}

bool cli_command_takes_table(const struct cli_command *command)
{
    return command->shape != CLI_NOTHING && command->shape != CLI_NAMES &&
           command->shape != CLI_VALUES && command->shape < CLI_HELP;
}

bool cli_command_is_of_prompt(const struct cli_command *command)
{
    return command->shape < CLI_BATCH;
}

struct offers {
    struct cli_suggestion meant;
    char names[512];
    size_t used;
};

static void offer(struct offers *offers, const char *name)
{
    cli_suggestion_offer(&offers->meant, name);
    offers->used +=
        (size_t)snprintf(offers->names + offers->used, sizeof offers->names - offers->used, "%s%s",
                         offers->used ? ", " : "", name);
}

int cli_command_refuse(struct weft_view name, enum cli_shape below, const char *const *others,
                       struct weft_error *error)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    struct offers offers = {.used = 0};
    cli_suggestion_init(&offers.meant, name);
    for (const struct cli_command *command = commands; command->name; command++) {
        if (command->shape < below)
            offer(&offers, command->name);
    }
    for (; others && *others; others++)
        offer(&offers, *others);
    const char *meant = offers.meant.name;
    return weft_error_set(
        error, WEFT_ECONFIG, "unknown command %s; %s%s%s", weft_log_quote(name, quoted),
        meant ? "did you mean " : "there are: ", meant ? meant : offers.names, meant ? "?" : "");
}

const struct cli_command *cli_command_named(const char *name)
{
    for (const struct cli_command *command = commands; command->name; command++) {
        if (strcasecmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

const struct cli_command *cli_command_find(const char *name, struct weft_error *error)
{
    const struct cli_command *command = cli_command_named(name);
    if (!command)
        (void)cli_command_refuse(weft_view_str(name), CLI_SHAPES, NULL, error);
    return command;
}

const struct cli_command *cli_command_find_request(const char *name, size_t count,
                                                   struct weft_error *error)
{
    const struct cli_command *command = cli_command_named(name);
    if (!command) {
        (void)cli_command_refuse(weft_view_str(name), CLI_HELP, NULL, error);
        return NULL;
    }
    if (command->shape >= CLI_HELP) {
        weft_error_set(error, WEFT_ECONFIG, "%s is a command of kvc's command line only",
                       command->name);
        return NULL;
    }
    return cli_command_check(command, count, error) < 0 ? NULL : command;
}

int cli_command_check(const struct cli_command *command, size_t count, struct weft_error *error)
{
    if (count_fits(command->shape, count))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "wrong number of arguments; usage: kvc %s%s%s",
                          command->name, command->shape == CLI_NOTHING ? "" : " ",
                          cli_shape_arguments(command->shape));
}
