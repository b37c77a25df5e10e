/* SPDX-License-Identifier: MIT
 *
 * Finds the name that is nearest to a typed word, for "did you mean". */
#ifndef KV_CLI_SUGGEST_H
#define KV_CLI_SUGGEST_H

#include "core/base/bytes.h"

struct cli_suggestion {
    struct weft_view typed;
    const char *name; /* NULL: none is near */
    size_t distance;  /* a name must be nearer: inserted, lost, changed and swapped bytes */
};

/* typed outlives the suggestion. */
void cli_suggestion_init(struct cli_suggestion *suggestion, struct weft_view typed);

/* Keeps the name if it is nearer than those offered before. `name` is borrowed. */
void cli_suggestion_offer(struct cli_suggestion *suggestion, const char *name);

#endif
