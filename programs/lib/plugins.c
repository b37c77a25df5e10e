/* SPDX-License-Identifier: MIT */
#include "plugins.h"

int cli_plugins_add(struct cli_plugins *plugins, const char *path, struct weft_error *error)
{
    if (plugins->count == CLI_PLUGINS_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "--plugin: more than %d times", CLI_PLUGINS_MAX);
    plugins->paths[plugins->count++] = path;
    return 0;
}
