/* SPDX-License-Identifier: MIT
 *
 * Reads a command line by a table of options. The help, the manual, the completions and every
 * refusal are made from the same table, so they cannot disagree with the parser. Each program
 * declares its own options and the struct that they fill. */
#ifndef KV_CLI_OPTIONS_H
#define KV_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/settings.h"
#include "core/base/units.h"

/* The defaults of both programs: kvs listens there and kvc connects to it. */
#define CLI_DEFAULT_URL   "tcp://127.0.0.1:9527"
#define CLI_DEFAULT_CODEC "length-delimited-gzip"

enum { CLI_OPTIONS_MAX = 64 };

/* The sources that may give an option its value. Each one overrides those before it. */
enum cli_source { CLI_DEFAULT, CLI_FILE, CLI_ENVIRONMENT, CLI_COMMAND_LINE };

struct cli_origin {
    enum cli_source source;
    const char *file; /* and its line, of a FILE */
    unsigned line;
    const char *text; /* as it was given; NULL: by default, or a flag that was just named */
};

/* The part that every command line has. It is the first member of a program's config. Texts are
 * borrowed from argv. */
struct cli_common {
    bool version, help, help_all;
    char *const *words; /* the arguments that are no options, in their order */
    size_t word_count;
    const struct cli_option
        *of_command;       /* the last one given that only some commands take, or NULL */
    struct cli_origin now; /* while a value is set: where it comes from */
    struct cli_origin origins[CLI_OPTIONS_MAX]; /* the last of each option, in the table's order */
};

struct cli_option {
    const char *name; /* without the dashes */
    char letter;      /* the short form, or 0 */
    bool (*fits)(
        char *const *next); /* NULL, or tells by the arguments that follow the letter, which end
                                      * in NULL, if the letter means this option */
    const char *argument;   /* the name of its value in the help; NULL: it takes none */
    const char *fallback;   /* the default in the help; NULL: there is none worth naming */
    const char *variable;   /* the environment variable that replaces the default, or NULL */
    const char *help;
    bool action;         /* says what the program does now, so that only a command line has it */
    bool rare;           /* --help only names it, --help-all explains it */
    const char *command; /* the commands that take it, with single spaces between; NULL: all do */
    const struct weft_limit *limit; /* the limit that it sets, or NULL */
    size_t at; /* offset in the config: of the limits' struct, or of the bool that a flag sets */
    /* Reads text into the program's config. WEFT_ECONFIG: error says which values are taken. NULL:
     * the option is a flag or a limit. */
    int (*set)(void *config, const char *text, struct weft_error *error);
};

/* Limits that one owner declares, each an option of its own. */
struct cli_limits {
    const struct weft_limit *table; /* ended by a NULL name */
    size_t at;                      /* offset of the owner's struct in the config */
    const char *const *only;        /* the names that the program takes, ended by NULL; NULL: all */
    const char *common;             /* the name that --help explains, or NULL */
};

struct cli_program {
    const char *name;
    bool takes_words; /* false: an argument that is no option is refused */
};

/* All options of one program, in the order of --help-all: its own, --version, --help and
 * --help-all, then the limits. `fallback` of a limit points into the struct, so a table must not be
 * copied. */
struct cli_table {
    const struct cli_program *program;
    struct cli_option options[CLI_OPTIONS_MAX];
    size_t count, first_limit;
    char limit_text[CLI_OPTIONS_MAX][WEFT_UNITS_TEXT];
};

/* options are arrays that each end in a NULL name; the list of them ends in NULL, and limits in a
 * NULL table. Both lists and `defaults`, a config with the limits that the help shows, may go after
 * the call. */
void cli_table_init(struct cli_table *table, const struct cli_program *program,
                    const struct cli_option *const *options, const struct cli_limits *limits,
                    const void *defaults);

/* Applies the environment variables that options name. The errors of cli_parse. */
WEFT_MUST_USE int cli_parse_environment(void *config, const struct cli_table *table,
                                        struct weft_error *error);

/* Applies the environment variables that are named after the options: PREFIX, and the option's name in upper
 * case with `_` for `-`, as in KVS_LOG_LEVEL. Empty ones are left out. Options that are actions have none. The
 * errors of cli_parse, with the variable's name in front. */
WEFT_MUST_USE int cli_parse_variables(void *config, const struct cli_table *table,
                                      const char *prefix, struct weft_error *error);

/* Applies one setting of a configuration file, whose names are those of the options without dashes and not cut
 * short. A flag takes `yes` or `no`, and `yes` may be left out. WEFT_ECONFIG: *error is one line without the
 * place; an unknown name is answered with the nearest one. */
struct cli_setting;
WEFT_MUST_USE int cli_parse_setting(void *config, const struct cli_table *table,
                                    const struct cli_setting *setting, struct weft_error *error);

/* Reads argv, which ends in NULL, into *config, which holds the defaults. A name may be cut short
 * where it stays the only one. Options may follow the words: the words are moved to the front of
 * argv. A negative number is a word, as is everything after "--". Options after --help, --help-all
 * or --version have no effect. WEFT_ECONFIG: *error is one line that names the mistake and the
 * choices. Limits are checked one by one; how they fit each other is the caller's to check. */
WEFT_MUST_USE int cli_parse(void *config, const struct cli_table *table, int argc, char **argv,
                            struct weft_error *error);

/* True if the option is one that only some commands take, and this one does. */
bool cli_option_is_of(const struct cli_option *option, const char *command);

/* True if --help, --help-all or --version was given: whatever else was given is not complete. */
bool cli_asks_for_text(const struct cli_common *common);

/* Writes the value of one limit as a command line has it ("8MiB") into dst of WEFT_UNITS_TEXT
 * bytes. `limits` is the owner's struct. Returns dst. */
char *cli_limit_format(const struct weft_limit *limit, const void *limits, char *dst);

#endif
