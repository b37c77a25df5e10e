/* SPDX-License-Identifier: MIT
 *
 * Any words as a command line of kvs or kvc, one a line; the first byte chooses the program. It is
 * refused in one line, or the limits it set agree with each other and survive being printed. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/lib/exposure.h"
#include "programs/lib/options.h"

enum { WORDS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fuzz_options: %s\n", rule);
    abort();
}

static void check_refusal(const struct weft_error *error)
{
    demand(error->code < 0 && error->text[0] != '\0', "a refusal without words");
    demand(!strchr(error->text, '\n'), "a refusal of more than a line");
}

static void check_config(const struct cli_config *config)
{
    struct weft_limits again = weft_limits_default();
    struct weft_error error = {0};
    demand(weft_limits_check(&config->limits, &error) == 0, "limits that contradict were taken");
    for (const struct weft_limit *limit = weft_limit_table(); limit->name; limit++) {
        char text[WEFT_UNITS_TEXT];
        demand(weft_limits_set(&again, limit->name, cli_limit_format(limit, &config->limits, text),
                               &error) == 0,
               "a limit that is printed as nobody may write it");
    }
    demand(memcmp(&again, &config->limits, sizeof again) == 0, "a limit printed as another");
    if (cli_check_exposure(config, &error) < 0)
        check_refusal(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cli_table table;
    struct cli_config config;
    struct weft_error error = {0};
    char *words[WORDS_MAX + 1] = {NULL};
    int count = 0;
    if (size == 0)
        return 0;
    char *text = strndup((const char *)data + 1, size - 1), *rest = text, *word;
    char name[] = "kvs";
    demand(text != NULL, "no memory");
    words[count++] = name;
    while (count < WORDS_MAX && (word = strsep(&rest, "\n")) != NULL)
        words[count++] = word;
    cli_table_init(&table, data[0] & 1 ? CLI_KVC : CLI_KVS);
    if (cli_parse(&config, &table, count, words, &error) < 0)
        check_refusal(&error);
    else if (!config.help && !config.help_all && !config.version)
        check_config(&config);
    free(text);
    return 0;
}
