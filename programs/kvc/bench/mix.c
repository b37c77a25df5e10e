/* SPDX-License-Identifier: MIT */
#include "mix.h"

#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/units.h"
#include "random.h"

enum { SHARE_MAX = 1000000 };

static const struct {
    const char *name;
    enum weft_kv_op op;
} commands[CLI_BENCH_COMMANDS] = {
    [CLI_BENCH_HGET] = {"hget", WEFT_KV_HGET},
    [CLI_BENCH_HSET] = {"hset", WEFT_KV_HSET},
    [CLI_BENCH_HEXIST] = {"hexist", WEFT_KV_HEXIST},
    [CLI_BENCH_HDEL] = {"hdel", WEFT_KV_HDEL},
};

const char *cli_bench_command_name(enum cli_bench_command command)
{
    return commands[command].name;
}

enum weft_kv_op cli_bench_command_op(enum cli_bench_command command)
{
    return commands[command].op;
}

static int refuse(const char *item, size_t size, const char *why, struct weft_error *error)
{
    char quoted[WEFT_LOG_QUOTE_TEXT];
    return weft_error_set(error, WEFT_ECONFIG,
                          "--mix: %s: %s; it is NAME=SHARE,... of hget, hset, hexist and hdel, as "
                          "hget=90,hset=10",
                          weft_log_quote(weft_view(item, size), quoted), why);
}

static int parse_item(struct cli_bench_mix *mix, const char *item, size_t size,
                      struct weft_error *error)
{
    char number[16] = "";
    uint64_t share;
    const char *equals = memchr(item, '=', size);
    if (!equals)
        return refuse(item, size, "no share", error);
    size_t name_size = (size_t)(equals - item), number_size = size - name_size - 1;
    size_t command = 0;
    while (command < CLI_BENCH_COMMANDS &&
           !weft_view_equal(weft_view(item, name_size), weft_view_str(commands[command].name)))
        command++;
    if (command == CLI_BENCH_COMMANDS)
        return refuse(item, size, "no such command here", error);
    if (mix->shares[command] > 0)
        return refuse(item, size, "named twice", error);
    if (number_size < sizeof number)
        memcpy(number, equals + 1, number_size);
    if (weft_parse_count(number, &share) < 0 || share < 1 || share > SHARE_MAX)
        return refuse(item, size, "the share is not a number from 1 to 1000000", error);
    mix->shares[command] = (uint32_t)share;
    mix->total += (uint32_t)share;
    return 0;
}

int cli_bench_mix_parse(struct cli_bench_mix *mix, const char *text, struct weft_error *error)
{
    *mix = (struct cli_bench_mix){0};
    for (;;) {
        size_t size = strcspn(text, ",");
        int err = parse_item(mix, text, size, error);
        if (err < 0 || text[size] == '\0')
            return err;
        text += size + 1;
    }
}

enum cli_bench_command cli_bench_mix_pick(const struct cli_bench_mix *mix, uint32_t bits)
{
    uint32_t point = cli_bench_random_scale(bits, mix->total);
    size_t command = 0;
    while (point >= mix->shares[command])
        point -= mix->shares[command++];
    return (enum cli_bench_command)command;
}

char *cli_bench_mix_format(const struct cli_bench_mix *mix, char *dst)
{
    size_t used = 0;
    *dst = '\0';
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++) {
        if (mix->shares[i] > 0)
            used += (size_t)snprintf(dst + used, CLI_BENCH_MIX_TEXT - used, "%s%s=%u",
                                     used > 0 ? "," : "", commands[i].name, mix->shares[i]);
    }
    return dst;
}
