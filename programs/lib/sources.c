/* SPDX-License-Identifier: MIT
 *
 * Options from elsewhere than the command line: settings of a file, and variables. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_file.h"
#include "options.h"
#include "suggest.h"

enum { VARIABLE_MAX = 64 };

static int set_flag(void *config, const struct cli_option *option, const char *text,
                    struct weft_error *error)
{
    bool *flag = (bool *)(void *)((char *)config + option->at);
    *flag = !text || strcmp(text, "yes") == 0;
    return *flag || strcmp(text, "no") == 0
               ? 0
               : weft_error_set(error, WEFT_ECONFIG, "'%.128s' is neither yes nor no", text);
}

/* Sets one option, and takes the dashes of the command line out of a refusal, for here are none. */
static int set_option(void *config, const struct cli_table *table, const struct cli_option *option,
                      const struct cli_origin *origin, struct weft_error *error)
{
    struct cli_common *common = config;
    struct weft_error refused = {0};
    size_t length = strlen(option->name);
    int err;
    common->now = *origin;
    common->origins[option - table->options] = *origin;
    if (option->set)
        err = option->set(config, origin->text, &refused);
    else if (option->limit)
        err = weft_limit_set(option->limit, (char *)config + option->at, origin->text, &refused);
    else
        err = set_flag(config, option, origin->text, &refused);
    if (err >= 0)
        return 0;
    const char *text = refused.text;
    text += strncmp(text, "--", 2) == 0 ? 2 : 0;
    if (strncmp(text, option->name, length) == 0)
        return weft_error_set(error, err, "%s", text);
    return weft_error_set(error, err, "%s: %s", option->name, text);
}

static const char *variable_of(const struct cli_option *option, const char *prefix,
                               char dst[VARIABLE_MAX])
{
    int used = snprintf(dst, VARIABLE_MAX, "%s%s", prefix, option->name);
    for (int i = (int)strlen(prefix); i < used && i < VARIABLE_MAX; i++)
        dst[i] = dst[i] == '-' ? '_' : (char)toupper((unsigned char)dst[i]);
    return dst;
}

int cli_parse_variables(void *config, const struct cli_table *table, const char *prefix,
                        struct weft_error *error)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        char name[VARIABLE_MAX];
        const char *text = option->action ? NULL : getenv(variable_of(option, prefix, name));
        const struct cli_origin origin = {.source = CLI_ENVIRONMENT, .text = text};
        struct weft_error refused;
        if (!text || !*text)
            continue;
        int err = set_option(config, table, option, &origin, &refused);
        if (err < 0)
            return weft_error_set(error, err, "%s: %s", name, refused.text);
    }
    return 0;
}

static int refuse_name(const struct cli_table *table, const char *name, struct weft_error *error)
{
    struct cli_suggestion meant;
    cli_suggestion_init(&meant, weft_view(name, strlen(name)));
    cli_suggestion_offer(&meant, "include");
    for (size_t i = 0; i < table->count; i++) {
        if (!table->options[i].action)
            cli_suggestion_offer(&meant, table->options[i].name);
    }
    if (meant.name)
        return weft_error_set(error, WEFT_ECONFIG, "unknown setting '%.40s'; did you mean %s?",
                              name, meant.name);
    return weft_error_set(error, WEFT_ECONFIG, "unknown setting '%.40s'; see %s --help-all", name,
                          table->program->name);
}

int cli_parse_setting(void *config, const struct cli_table *table,
                      const struct cli_setting *setting, struct weft_error *error)
{
    const struct cli_origin origin = {
        .source = CLI_FILE, .file = setting->file, .line = setting->line, .text = setting->value};
    for (size_t i = 0; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        if (strcmp(option->name, setting->name) != 0)
            continue;
        if (option->action)
            return weft_error_set(error, WEFT_ECONFIG, "%s: is for the command line alone",
                                  option->name);
        if (option->argument && (!setting->value || !*setting->value))
            return weft_error_set(error, WEFT_ECONFIG, "%s: needs a value: %s %s", option->name,
                                  option->name, option->argument);
        return set_option(config, table, option, &origin, error);
    }
    return refuse_name(table, setting->name, error);
}
