/* SPDX-License-Identifier: MIT
 *
 * The commands of kvc: one table, from which words become requests and --help is made. */
#ifndef KV_CLI_COMMAND_H
#define KV_CLI_COMMAND_H

#include "core/bytes.h"
#include "core/err.h"
#include "services/kv/kv_client.h"

/* What stands behind a command's name, and so the shape of its request. */
enum cli_shape { CLI_NOTHING, CLI_TABLE, CLI_KEY, CLI_KEYS, CLI_PAIR, CLI_PAIRS };

struct cli_command {
    const char *name;
    enum kvc_op op; /* ping asks for a key, which changes nothing */
    enum cli_shape shape;
    bool writes; /* without its answer nobody knows whether it took effect */
    const char *help;
};

/* Ended by a NULL name. Static. */
const struct cli_command *cli_command_table(void);

/* "TABLE KEY VALUE [KEY VALUE]..."; static. */
const char *cli_shape_arguments(enum cli_shape shape);

/* A command with its arguments, ready to be sent. */
struct cli_invocation {
    const struct cli_command *command;
    struct kvc_request request; /* borrows the words and what stands below */
    struct weft_view *keys;
    struct kvc_pair *pairs;
    struct weft_bytes *memory; /* behind the pairs' values, one each */
};

/* Reads words[0], the command, and its arguments; the words outlive the invocation. file_max: bytes
 * a `file:` value may have. WEFT_ECONFIG: *error names what is wrong and shows the command's usage;
 * -ENOMEM. Nothing is held then. */
WEFT_MUST_USE int cli_invocation_init(struct cli_invocation *invocation, char *const *words,
                                      size_t count, uint64_t file_max, struct weft_error *error);
/* A zeroed one is fine. */
void cli_invocation_fini(struct cli_invocation *invocation);

#endif
