/* SPDX-License-Identifier: MIT
 *
 * The options that single commands take: conditions, expiry, filters. They may stand among the words of a
 * command line, of a line at the prompt or of a batch, and in an object behind the words of a JSON array. */
#ifndef KV_CLI_COMMAND_OPTIONS_H
#define KV_CLI_COMMAND_OPTIONS_H

#include "programs/lib/options.h"
#include "services/kv/client_types.h"

enum { CLI_VERSION_SIZE = 16 }; /* bytes of a value's version */

/* The kinds of these options, as bits. A command takes some kinds. */
enum cli_option_kind {
    CLI_TAKES_NONE = 0,
    CLI_TAKES_EXPIRY = 1,
    CLI_TAKES_CONDITION = 2, /* any */
    CLI_TAKES_VERSION = 4,   /* the condition that a version is */
    CLI_TAKES_STATE = 8,
    CLI_TAKES_FILTER = 16
};

/* A zeroed one says nothing. Texts are borrowed. */
struct cli_command_options {
    unsigned given; /* kinds of which there is an option */
    struct weft_kv_expiry expiry;
    enum weft_kv_condition condition;
    uint8_t version[CLI_VERSION_SIZE];
    const char *prefix, *match;
    bool keys_only;
};

/* A line's words and these options: the beginning of struct kvc_config, too, since the functions that set
 * the options know no more of it. */
struct cli_request_line {
    struct cli_common common;
    struct cli_command_options options;
};

/* Returns the options, ended by a NULL name, which work on a struct cli_request_line. Static. */
const struct cli_option *cli_command_options(void);

/* Returns the name of one of these options with its dashes: "--ttl". */
const char *cli_option_dashed(const struct cli_option *option);

/* Returns the option that a name means behind a command that takes these kinds, if it is another one than
 * elsewhere: --version of a value, --keys of hscan. Otherwise NULL. */
const char *cli_option_meant(unsigned takes, const char *name, size_t length);

/* Moves the options among words[1, *count) into *line and closes the gaps. takes: the kinds that the command
 * takes. Words that look like options but are none stay, as do those behind "--", which goes. WEFT_ECONFIG:
 * *error says what is wrong. */
WEFT_MUST_USE int cli_line_take_options(struct cli_request_line *line, unsigned takes, char **words,
                                        size_t *count, struct weft_error *error);

/* Sets the option of a name, which may have _ in the place of -. text NULL: it is a flag. WEFT_ECONFIG:
 * there is none, or the text is wrong. */
WEFT_MUST_USE int cli_line_set_option(struct cli_request_line *line, const char *name,
                                      const char *text, struct weft_error *error);

/* Reads a time from now as milliseconds: seconds, a fraction or a unit allowed, at least a millisecond.
 * False: it is none. */
bool cli_parse_milliseconds(const char *text, uint64_t *milliseconds);

#endif
