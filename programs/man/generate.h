/* SPDX-License-Identifier: MIT
 *
 * Makes manual pages and completions from the tables that the programs themselves read: options, limits,
 * commands, and what the plugins declare. */
#ifndef MAN_GENERATE_H
#define MAN_GENERATE_H

#include <stdio.h>

#include "core/codec.h"
#include "core/filter.h"
#include "core/service.h"
#include "core/transport.h"
#include "programs/kvc/command.h"
#include "programs/kvc/prompt/complete.h"
#include "programs/kvc/exit.h"
#include "programs/kvc/options.h"
#include "programs/kvs/options.h"
#include "services/kv/store.h"

/* The plugins of kvs, each list ended by NULL. */
extern const struct weft_transport *const generate_transports[];
extern const struct weft_filter *const generate_filters[];
extern const struct weft_codec *const generate_codecs[];
extern const struct weft_service *const generate_services[];
extern const struct kv_store *const generate_stores[];

/* Makes the table of kvs with the limits of its plugins. */
void generate_kvs_table(struct cli_table *table);

/* Writes the words that an option of the table takes, separated by spaces, into dst of `size` bytes; "" if
 * it takes any text. */
void generate_choices(const struct cli_table *table, const struct cli_option *option, char *dst,
                      size_t size);

/* Copies a page of man(7) from template. A line `@THING@` becomes what the tables have: OPTIONS-kvs,
 * OPTIONS-kvc, OPTIONS-bench, LIMITS-kvs, LIMITS-kvc, ENVIRONMENT-kvc, EXITS-kvc, COMMANDS, COMMANDS-prompt,
 * TRANSPORTS, CODECS, SERVICES, STORES, ERRORS; @VERSION@ is replaced within a line. Returns 0, or -1 for an unknown thing. */
int generate_manual(FILE *template, FILE *out);

/* Each prints the completion script of one shell for the program whose options the table has. */
void generate_bash(const struct cli_table *table, FILE *out);
void generate_zsh(const struct cli_table *table, FILE *out);
void generate_fish(const struct cli_table *table, FILE *out);

/* True for kvc, which has commands beside its options. */
bool generate_has_commands(const struct cli_table *table);

#endif
