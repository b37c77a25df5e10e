/* SPDX-License-Identifier: MIT
 *
 * The options of kvs and its help. */
#ifndef KVS_OPTIONS_H
#define KVS_OPTIONS_H

#include <stdio.h>

#include "core/base/log.h"
#include "programs/lib/config_file.h"
#include "programs/lib/options.h"
#include "programs/lib/plugins.h"

/* OWNERS: plugins with limits of their own. OWNED: the limits that one of them may have. */
enum { KVS_LISTEN_MAX = 64, KVS_OWNERS_MAX = 8, KVS_OWNED_MAX = 16 };

/* The settings of kvs: of its command line, else of the environment, else of the file, else the defaults. */
struct kvs_config {
    struct cli_common common;
    struct cli_texts texts; /* what the others borrow, beside argv */
    int argc;
    char **argv;      /* a copy, for kvs_parse_again */
    const char *file; /* of --config or KVS_CONFIG, or NULL */
    const char *listen[KVS_LISTEN_MAX];
    /* The origin of each URL. A source that names URLs or plugins replaces those of a weaker one. */
    struct cli_origin listen_origin[KVS_LISTEN_MAX];
    enum cli_source plugins_source;
    size_t listen_count; /* at least 1 after a parse */
    const char *codec;
    const char *store;
    const char *repair; /* "show" or "drop" instead of serving; NULL: serve */
    unsigned threads;
    enum weft_log_level log_level;
    enum weft_log_format log_format;
    const char *log_file;                   /* NULL: standard error */
    const char *access_log, *access_format; /* NULL: none, and the usual template */
    const char *handover;                   /* the path of the socket; NULL: none */
    uint64_t log_rate;                      /* lines per event and second; 0: any number */
    const char *user;                       /* NULL: the user that started kvs */
    const char *users;   /* the file of users; NULL: whoever connects may do everything */
    char users_text[64]; /* of --check: how many users there are, and what they show */
    struct cli_plugins plugins;
    const char *admin; /* the URL of --admin, or NULL */
    uint64_t slow_log; /* nanoseconds from which on a request is slow; 0: there is no slow log */
    bool allow_remote, core_dumps, check, print_config, hash_password, no_sandbox;
    const char *make_certificate; /* a folder, instead of serving; NULL: serve */
    struct weft_limits limits;
    uint64_t most_connections;  /* that max-connections may grow to by a reload */
    uint64_t asked_connections; /* max-connections before the limit of descriptors lowered it */
    const struct weft_limit *const *owners; /* as given to kvs_config_default */
    uint64_t owned[KVS_OWNERS_MAX][KVS_OWNED_MAX];
};

/* Plugins may declare limits of their own, each owner in a table (core/base/settings.h) whose last one is
 * NULL. Every limit becomes an option. NULL: there are no such plugins. */
struct kvs_config kvs_config_default(const struct weft_limit *const *owners);

/* True if the text of a --listen adds to the endpoint before it, at whose address it is served. */
static inline bool kvs_is_variant(const char *text)
{
    return text[0] == '?';
}

void kvs_table_init(struct cli_table *table, const struct weft_limit *const *owners);

/* Returns the struct that the i-th owner's table describes, with the values of the command line. */
const void *kvs_limits_of(const struct kvs_config *config, size_t i);

/* Reads argv, the variables KVS_* and the file that one of them names into *config, from the defaults on, and
 * checks that the settings fit each other. The errors of cli_parse and of cli_config_read. On success *config
 * is to be freed; argv and `owners` outlive it. */
WEFT_MUST_USE int kvs_parse(struct kvs_config *config, const struct cli_table *table,
                            const struct weft_limit *const *owners, int argc, char **argv,
                            struct weft_error *error);

/* Reads the files and the variables anew, with the command line that `config` was read from. The errors of kvs_parse. */
WEFT_MUST_USE int kvs_parse_again(struct kvs_config *again, const struct kvs_config *config,
                                  const struct cli_table *table, struct weft_error *error);

/* Frees what a successful parse has allocated. *config may be used no more. */
void kvs_config_free(struct kvs_config *config);

/* --help, which fits a screen of 24 lines, and --help-all, which explains every option. */
void kvs_help_print(const struct cli_table *table, FILE *out);
void kvs_help_print_all(const struct cli_table *table, FILE *out);

/* Prints what --help, --help-all or --version asks for. False: none of them was given. */
bool kvs_help_answer(const struct kvs_config *config, const struct cli_table *table, FILE *out);

#endif
