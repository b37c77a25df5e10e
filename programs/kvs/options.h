/* SPDX-License-Identifier: MIT
 *
 * The options of kvs and its help. */
#ifndef KVS_OPTIONS_H
#define KVS_OPTIONS_H

#include <stdio.h>

#include "core/base/log.h"
#include "programs/lib/options.h"
#include "programs/lib/plugins.h"

enum { KVS_LISTEN_MAX = 64 };

/* A command line of kvs; what it does not say is at its default. */
struct kvs_config {
    struct cli_common common;
    const char *listen[KVS_LISTEN_MAX];
    size_t listen_count; /* at least 1 after a parse */
    const char *codec;
    const char *store;
    unsigned threads;
    enum weft_log_level log_level;
    const char *user; /* NULL: the user that started kvs */
    struct cli_plugins plugins;
    bool allow_remote, core_dumps, check;
    struct weft_limits limits;
};

struct kvs_config kvs_config_default(void);

void kvs_table_init(struct cli_table *table);

/* Reads argv into *config, from the defaults on, and checks that the limits fit each other. The errors of
 * cli_parse. */
WEFT_MUST_USE int kvs_parse(struct kvs_config *config, const struct cli_table *table, int argc,
                            char **argv, struct weft_error *error);

/* --help, which fits a screen of 24 lines, and --help-all, which explains every option. */
void kvs_help_print(const struct cli_table *table, FILE *out);
void kvs_help_print_all(const struct cli_table *table, FILE *out);

/* Prints what --help, --help-all or --version asks for. False: none of them was given. */
bool kvs_help_answer(const struct kvs_config *config, const struct cli_table *table, FILE *out);

#endif
