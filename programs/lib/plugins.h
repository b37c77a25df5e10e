/* SPDX-License-Identifier: MIT
 *
 * The option --plugin, which both programs have. */
#ifndef CLI_PLUGINS_H
#define CLI_PLUGINS_H

#include <stddef.h>

#include "core/base/err.h"

enum { CLI_PLUGINS_MAX = 16 };

/* The files that --plugin named, in their order. Borrowed from argv. */
struct cli_plugins {
    const char *paths[CLI_PLUGINS_MAX];
    size_t count;
};

/* Notes one more file. WEFT_ECONFIG: there are too many. */
WEFT_MUST_USE int cli_plugins_add(struct cli_plugins *plugins, const char *path,
                                  struct weft_error *error);

#endif
