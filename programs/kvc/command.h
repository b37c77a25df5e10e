/* SPDX-License-Identifier: MIT
 *
 * The commands of kvc: one table, from which words become requests and --help is made. */
#ifndef KV_CLI_COMMAND_H
#define KV_CLI_COMMAND_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "command_options.h"
#include "format/value.h"
#include "services/kv/client.h"

/* The arguments that a command takes, which decide the shape of its request. */
enum cli_shape {
    CLI_NOTHING,
    CLI_TABLE,
    CLI_PAGE,
    CLI_KEY,
    CLI_KEYS,
    CLI_PAIR,
    CLI_PAIRS,
    CLI_SUM,    /* a key and what is added */
    CLI_EXPIRE, /* a key and a time */
    CLI_NAMES,  /* a page of names of tables */
    CLI_WHOLE,  /* a table, as a whole */
    CLI_VALUES, /* a topic, and what is published */
    CLI_HELP,   /* from here on: kvc's own, no request of the server's */
    CLI_BATCH,  /* from here on: of the command line only, not of the prompt */
    CLI_IMPORT,
    CLI_EXPORT,
    CLI_JOURNAL,
    CLI_BACKUP,
    CLI_RESTORE,
    CLI_FOLLOW, /* a watch */
    CLI_TOPICS, /* subscriptions */
    CLI_ADMIN,  /* of the admin service */
    CLI_ADMIN_CONNECTION,
    CLI_ADMIN_LEVEL,
    CLI_BENCH,
    CLI_SHAPES,
};

struct cli_command {
    const char *name;
    enum weft_kv_op op; /* ping asks for a key, which changes nothing */
    enum cli_shape shape;
    bool writes; /* without its answer nobody knows whether it took effect */
    const char *help;
    unsigned options; /* the kinds of enum cli_option_kind that it takes */
};

/* Returns all commands; the last one has a NULL name. Static. */
const struct cli_command *cli_command_table(void);

/* "TABLE KEY VALUE [KEY VALUE]..."; static. */
const char *cli_shape_arguments(enum cli_shape shape);

/* A command with its arguments, ready to be sent. */
struct cli_invocation {
    const struct cli_command *command;
    struct weft_kv_request request; /* borrows the words and what stands below */
    struct weft_view *keys;
    struct weft_kv_pair *pairs;
    struct weft_kv_value *published;
    struct weft_bytes *memory; /* behind the pairs' values, or those published: `values` of them */
    size_t values;
    struct weft_kv_change *changes; /* the keys or pairs, if they have conditions or an expiry */
    struct cli_request_line line;   /* the options among the words */
    struct weft_bytes cursor;       /* behind the request's */
    struct weft_view doubtful; /* the first value whose type was probably mistyped; empty: none */
};

/* True if the command is a request about the table that its first word names. */
bool cli_command_takes_table(const struct cli_command *command);

/* True if the prompt has this command too. */
bool cli_command_is_of_prompt(const struct cli_command *command);

/* Returns a command by its name, in which case does not count, or NULL. */
const struct cli_command *cli_command_named(const char *name);

/* Refuses a name that no command has: *error names the command that may have been meant, or lists those of
 * a shape below `below` and `others`, which ends in NULL and may be NULL. Returns WEFT_ECONFIG. */
int cli_command_refuse(struct weft_view name, enum cli_shape below, const char *const *others,
                       struct weft_error *error);

/* Returns a command by its name. NULL: there is none, and *error lists all. */
const struct cli_command *cli_command_find(const char *name, struct weft_error *error);

/* Returns a command that is one request, with `count` arguments. NULL: *error says what is wrong. */
const struct cli_command *cli_command_find_request(const char *name, size_t count,
                                                   struct weft_error *error);

/* Returns the arguments of import and export with --all, which stands for TABLE. */
const char *cli_shape_arguments_of_all(enum cli_shape shape);

/* Checks that the command takes `count` words. WEFT_ECONFIG: *error shows its usage. */
WEFT_MUST_USE int cli_command_check(const struct cli_command *command, size_t count,
                                    struct weft_error *error);

/* Sets up the request of a zeroed invocation, before its arguments are known. */
void cli_invocation_begin(struct cli_invocation *invocation, const struct cli_command *command);

/* Reads words[0], a command that is one request, and its arguments and options; the words outlive the
 * invocation. source: as for cli_value_parse. WEFT_ECONFIG: *error names what is wrong and shows the
 * command's usage; -ENOMEM. Nothing is held then. */
WEFT_MUST_USE int cli_invocation_init(struct cli_invocation *invocation, char *const *words,
                                      size_t count, const struct cli_value_source *source,
                                      struct weft_error *error);
/* cli_invocation_init with options that were taken out of the words before. */
WEFT_MUST_USE int cli_invocation_init_with(struct cli_invocation *invocation, char *const *words,
                                           size_t count, const struct cli_command_options *options,
                                           const struct cli_value_source *source,
                                           struct weft_error *error);

/* Brings the options of an invocation into its request, which has its other arguments. The errors of
 * cli_invocation_init. */
WEFT_MUST_USE int cli_invocation_apply_options(struct cli_invocation *invocation,
                                               struct weft_error *error);

/* Makes room for `count` empty values that are published, and their memory. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int cli_invocation_make_values(struct cli_invocation *invocation, size_t count,
                                             struct weft_error *error);

/* Reads "never", or a time from now. WEFT_ECONFIG: it is neither. */
WEFT_MUST_USE int cli_invocation_take_time(struct cli_invocation *invocation, const char *text,
                                           struct weft_error *error);

/* hscan's cursor, in base64 as it was printed. The errors of cli_invocation_init. */
WEFT_MUST_USE int cli_invocation_take_cursor(struct cli_invocation *invocation,
                                             struct weft_view text, struct weft_error *error);

/* Warns of the first value whose type was probably mistyped, as cli_text_warn does. */
bool cli_invocation_warn(const struct cli_invocation *invocation, char *dst);

/* A zeroed one is fine. */
void cli_invocation_fini(struct cli_invocation *invocation);

#endif
