/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stdio.h>

#define SETS    (KV_LINE_TAKES_EXPIRY | KV_LINE_TAKES_CONDITION | KV_LINE_TAKES_VERSION)
#define REMOVES KV_LINE_TAKES_VERSION
#define READS   KV_LINE_TAKES_STATE
#define SCANS   (KV_LINE_TAKES_FILTER | KV_LINE_TAKES_STATE)

static const struct kv_line_command commands[] = {
    {"hget", KV_HGET, KV_LINE_KEY, READS},
    {"hgetall", KV_HGETALL, KV_LINE_TABLE, 0},
    {"hmget", KV_HMGET, KV_LINE_KEYS, READS},
    {"hset", KV_HSET, KV_LINE_PAIR, SETS},
    {"hmset", KV_HMSET, KV_LINE_PAIRS, SETS},
    {"hincr", KV_HINCR, KV_LINE_SUM, 0},
    {"hdel", KV_HDEL, KV_LINE_KEY, REMOVES},
    {"hmdel", KV_HMDEL, KV_LINE_KEYS, REMOVES},
    {"hexist", KV_HEXIST, KV_LINE_KEY, 0},
    {"hmexist", KV_HMEXIST, KV_LINE_KEYS, 0},
    {"hexpire", KV_HEXPIRE, KV_LINE_EXPIRE, 0},
    {"httl", KV_HTTL, KV_LINE_KEYS, 0},
    {"hpersist", KV_HEXPIRE, KV_LINE_KEYS, 0},
    {"hscan", KV_HSCAN, KV_LINE_PAGE, SCANS},
    {"tables", KV_TABLES_PAGE, KV_LINE_NAMES, 0},
    {"count", KV_TABLE_COUNT, KV_LINE_TABLE, 0},
    {"drop", KV_TABLE_DROP, KV_LINE_TABLE, 0},
    {"subscribe", KV_COMMAND_COUNT, KV_LINE_TOPICS, KV_LINE_TAKES_PATTERN},
    {"unsubscribe", KV_COMMAND_COUNT, KV_LINE_ID, 0},
    {"publish", KV_COMMAND_COUNT, KV_LINE_VALUES, 0},
    {"login", KV_COMMAND_COUNT, KV_LINE_NAME, 0},
    {"ping", KV_COMMAND_COUNT, KV_LINE_NOTHING, 0},
    {"help", KV_COMMAND_COUNT, KV_LINE_NOTHING, 0},
};

enum { COMMANDS = sizeof commands / sizeof *commands, PING = COMMANDS - 2, HELP = COMMANDS - 1 };

static bool is_named(struct weft_view name, const char *command)
{
    size_t i = 0;
    for (; i < name.size && command[i]; i++) {
        uint8_t byte = name.data[i];
        if (byte >= 'A' && byte <= 'Z')
            byte = (uint8_t)(byte - 'A' + 'a');
        if (byte != (uint8_t)command[i])
            return false;
    }
    return i == name.size && !command[i];
}

const struct kv_line_command *kv_line_command_find(struct weft_view name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (is_named(name, commands[i].name))
            return &commands[i];
    }
    return NULL;
}

bool kv_line_command_is_login(const struct kv_line_command *command)
{
    return command->shape == KV_LINE_NAME;
}

bool kv_line_command_is_ping(const struct kv_line_command *command)
{
    return command == &commands[PING];
}

bool kv_line_command_is_help(const struct kv_line_command *command)
{
    return command == &commands[HELP];
}

bool kv_line_command_is_topical(const struct kv_line_command *command)
{
    return command->shape == KV_LINE_TOPICS || command->shape == KV_LINE_ID ||
           command->shape == KV_LINE_VALUES;
}

static const struct {
    const char *words;
    size_t least, most;
    bool odd; /* only odd counts */
} shapes[] = {
    [KV_LINE_NOTHING] = {"", 0, 0, false},
    [KV_LINE_TABLE] = {" TABLE", 1, 1, false},
    [KV_LINE_PAGE] = {" TABLE [CURSOR [LIMIT]]", 1, 3, false},
    [KV_LINE_NAMES] = {" [PREFIX [CURSOR [LIMIT]]]", 0, 3, false},
    [KV_LINE_KEY] = {" TABLE KEY", 2, 2, false},
    [KV_LINE_KEYS] = {" TABLE KEY...", 2, SIZE_MAX, false},
    [KV_LINE_PAIR] = {" TABLE KEY VALUE", 3, 3, false},
    [KV_LINE_PAIRS] = {" TABLE KEY VALUE [KEY VALUE]...", 3, SIZE_MAX, true},
    [KV_LINE_SUM] = {" TABLE KEY [NUMBER]", 2, 3, false},
    [KV_LINE_EXPIRE] = {" TABLE KEY TIME", 3, 3, false},
    [KV_LINE_NAME] = {" NAME PASSWORD", 2, 2, false},
    [KV_LINE_TOPICS] = {" TOPIC...", 1, SIZE_MAX, false},
    [KV_LINE_ID] = {" ID", 1, 1, false},
    [KV_LINE_VALUES] = {" TOPIC VALUE...", 2, SIZE_MAX, false},
};

const char *kv_line_shape_words(enum kv_line_shape shape)
{
    return shapes[shape].words;
}

bool kv_line_count_fits(enum kv_line_shape shape, size_t count)
{
    return count >= shapes[shape].least && count <= shapes[shape].most &&
           (!shapes[shape].odd || count % 2 == 1);
}

void kv_line_command_list(char *dst, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < COMMANDS; i++) {
        int n = snprintf(dst + used, size - used, "%s%s", i > 0 ? " " : "", commands[i].name);
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}
