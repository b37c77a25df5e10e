/* SPDX-License-Identifier: MIT
 *
 * Reads any words as a command line of kvs or kvc, one word per line; the first byte chooses the
 * program. The line is refused in one line of text, or the limits it set agree with each other and
 * survive being printed. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/kvc/options.h"
#include "programs/kvs/options.h"
#include "programs/lib/exposure.h"

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

/* `again` is a config of the same program, in which every limit is set anew from its text. */
static void check_limits(const struct cli_table *table, const void *config, void *again)
{
    struct weft_error error = {0};
    for (size_t i = table->first_limit; i < table->count; i++) {
        const struct cli_option *option = &table->options[i];
        const char *from = (const char *)config + option->at;
        char *to = (char *)again + option->at, text[WEFT_UNITS_TEXT];
        cli_limit_format(option->limit, from, text);
        demand(weft_limit_set(option->limit, to, text, &error) == 0,
               "a limit is printed in a form that is refused");
        demand(memcmp(to + option->limit->offset, from + option->limit->offset, sizeof(uint64_t)) ==
                   0,
               "a limit is printed as another");
    }
}

static void check_kvs(int count, char **words)
{
    struct cli_table table;
    struct kvs_config config, again = kvs_config_default(NULL);
    struct weft_error error = {0};
    kvs_table_init(&table, NULL);
    if (kvs_parse(&config, &table, NULL, count, words, &error) < 0) {
        check_refusal(&error);
        return;
    }
    if (cli_asks_for_text(&config.common))
        goto done;
    demand(weft_limits_check(&config.limits, &error) == 0, "limits that contradict were taken");
    check_limits(&table, &config, &again);
    const struct cli_exposure exposure = {config.listen, config.listen_count, config.users != NULL,
                                          config.allow_remote};
    if (cli_check_exposure(&exposure, &error) < 0)
        check_refusal(&error);

done:
    kvs_config_free(&config);
}

static void check_kvc(int count, char **words)
{
    struct cli_table table;
    struct kvc_config config, again = kvc_config_default();
    struct weft_error error = {0};
    kvc_table_init(&table);
    if (kvc_parse(&config, &table, count, words, &error) < 0)
        check_refusal(&error);
    else if (!cli_asks_for_text(&config.common))
        check_limits(&table, &config, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *words[WORDS_MAX + 1] = {NULL};
    int count = 0;
    if (size == 0)
        return 0;
    char *text = strndup((const char *)data + 1, size - 1), *rest = text, *word;
    char name[] = "program";
    demand(text != NULL, "no memory");
    words[count++] = name;
    while (count < WORDS_MAX && (word = strsep(&rest, "\n")) != NULL)
        words[count++] = word;
    if (data[0] & 1)
        check_kvc(count, words);
    else
        check_kvs(count, words);
    free(text);
    return 0;
}
