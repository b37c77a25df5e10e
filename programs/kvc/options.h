/* SPDX-License-Identifier: MIT
 *
 * The options of kvc. */
#ifndef KVC_OPTIONS_H
#define KVC_OPTIONS_H

#include "bench/config.h"
#include "command_options.h"
#include "programs/lib/options.h"
#include "programs/lib/plugins.h"

/* How kvc prints an answer. */
enum cli_format { CLI_TEXT, CLI_JSON, CLI_RAW };

/* How the rows of import and export are written. */
enum cli_rows { CLI_ROWS_BY_NAME, CLI_ROWS_CSV, CLI_ROWS_NDJSON };

enum { KVC_SERVER_TEXT = 320 };

/* A command line of kvc; what it does not say is at its default. */
struct kvc_config {
    struct cli_common common; /* the first two are a struct cli_request_line */
    struct cli_command_options command;
    const char *server;      /* borrowed from argv, or server_text: the config must not move */
    const char *host, *port; /* NULL: not given */
    char server_text[KVC_SERVER_TEXT];
    const char *codec;
    const char *admin;                          /* the URL of kvs --admin */
    uint64_t interval;                          /* top: nanoseconds between two looks */
    const char *user, *password_file;           /* NULL: not given */
    bool server_is_explicit, codec_is_explicit; /* --server, --codec was given */
    uint64_t timeout;                           /* nanoseconds */
    bool timeout_is_explicit;                   /* --timeout was given */
    struct weft_limits limits;
    enum cli_format format;
    enum cli_rows rows;
    bool keep_going;
    bool all_tables; /* import, export, watch: of all tables */
    uint64_t from;   /* watch: the number after which the changes come; 0: from now on */
    uint64_t count;  /* watch, subscribe: ends after so many changes or messages; 0: any */
    bool pattern;    /* subscribe: topics are patterns */
    struct cli_plugins plugins;
    struct cli_bench_config bench;
};

/* Its frames may be four times the server's default: the server still reads and answers frames of
 * that size, and it is the server that decides whether a value is too big. */
struct kvc_config kvc_config_default(void);

void kvc_table_init(struct cli_table *table);

/* Reads the environment and argv into *config, from the defaults on, and checks that the limits fit
 * each other. The errors of cli_parse. */
WEFT_MUST_USE int kvc_parse(struct kvc_config *config, const struct cli_table *table, int argc,
                            char **argv, struct weft_error *error);

#endif
