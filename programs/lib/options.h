/* SPDX-License-Identifier: MIT
 *
 * The command lines of kvs and kvc. One table of options for both: the parser, --help and every
 * refusal are made from it, so that they cannot disagree. Main thread only: getopt_long(3) keeps
 * its place in globals of libc. */
#ifndef KV_CLI_OPTIONS_H
#define KV_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/settings.h"
#include "core/base/units.h"
#include "programs/kvc/bench/config.h"

enum cli_program { CLI_KVS = 1, CLI_KVC = 2 };

#define CLI_DEFAULT_SERVER "tcp://127.0.0.1:9527"
#define CLI_DEFAULT_CODEC  "length-delimited-gzip"

/* How kvc prints an answer. */
enum cli_format { CLI_TEXT, CLI_JSON, CLI_RAW };

/* How the rows of import and export are written. */
enum cli_rows { CLI_ROWS_BY_NAME, CLI_ROWS_CSV, CLI_ROWS_NDJSON };

enum { CLI_LISTEN_MAX = 64, CLI_OPTIONS_MAX = 40 };

/* What a command line says, or the default of what it does not say. Texts are borrowed from argv. */
struct cli_config {
    const char *listen[CLI_LISTEN_MAX];
    size_t listen_count; /* at least 1 after a parse for kvs */
    const char *server;
    const char *codec;
    bool codec_is_explicit; /* --codec was given */
    const char *store;
    unsigned threads;
    uint64_t timeout; /* nanoseconds */
    struct weft_limits limits;
    enum weft_log_level log_level;
    const char *user; /* NULL: whoever started it */
    bool allow_remote, core_dumps;
    bool check, version, help, help_all;
    enum cli_format format;
    enum cli_rows rows;
    bool keep_going;
    struct cli_bench_config bench;
    char *const *words; /* what is no option, in order */
    size_t word_count;
    const struct cli_option *of_command; /* given, and only one command's; NULL: none */
};

struct cli_option {
    const char *name;     /* without the dashes */
    char letter;          /* its short form, 0: none */
    const char *argument; /* what it takes, for --help; NULL: nothing */
    const char *fallback; /* the default, for --help; NULL: none worth saying */
    const char *variable; /* of the environment, whose value comes before the default; NULL: none */
    const char *help;
    bool rare;           /* --help names it, --help-all explains it */
    unsigned programs;   /* CLI_KVS | CLI_KVC */
    const char *command; /* NULL: any; else the only one that takes it, whose help explains it */
    size_t flag;         /* without set and argument: what it makes true, a bool of cli_config */
    /* NULL: a flag, or a limit, set by its name. WEFT_ECONFIG: error says what is taken. */
    int (*set)(struct cli_config *config, const char *text, struct weft_error *error);
};

/* The options of one program, in the order of --help-all: its own first, then the limits. fallback
 * points into the struct: a table must be made, not assigned. */
struct cli_table {
    enum cli_program program;
    struct cli_option options[CLI_OPTIONS_MAX];
    size_t count, first_limit;
    char limit_text[CLI_OPTIONS_MAX][WEFT_UNITS_TEXT];
};

void cli_table_init(struct cli_table *table, enum cli_program program);

/* "kvs" or "kvc". */
const char *cli_program_name(enum cli_program program);

/* The defaults of program. kvc's frames may be four times the server's default: so much a server
 * reads past and still answers, and whether a value is too big is the server's to say. */
struct cli_config cli_config_default(enum cli_program program);

/* Reads argv (which getopt_long permutes, so that options may follow the words) into *config.
 * Looks at no option behind --help, --help-all and --version. WEFT_ECONFIG: *error is one line that
 * names what is wrong and what there is. */
WEFT_MUST_USE int cli_parse(struct cli_config *config, const struct cli_table *table, int argc,
                            char **argv, struct weft_error *error);

/* The value of one limit as it is written on a command line ("8MiB"), into dst of WEFT_UNITS_TEXT
 * bytes; returns dst. */
char *cli_limit_format(const struct weft_limit *limit, const struct weft_limits *limits, char *dst);

#endif
