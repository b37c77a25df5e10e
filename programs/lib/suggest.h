/* SPDX-License-Identifier: MIT
 *
 * "did you mean": the name that is nearest to what was typed. */
#ifndef KV_CLI_SUGGEST_H
#define KV_CLI_SUGGEST_H

#include "core/base/bytes.h"

struct cli_suggestion {
    struct weft_view typed;
    const char *name; /* NULL: none is near */
    size_t
        distance; /* a name must be nearer than this: inserted, lost, changed and swapped bytes */
};

/* typed outlives the suggestion. */
void cli_suggestion_init(struct cli_suggestion *suggestion, struct weft_view typed);

/* The nearest offered name stays, of equals the first. */
void cli_suggestion_offer(struct cli_suggestion *suggestion, const char *name);

#endif
