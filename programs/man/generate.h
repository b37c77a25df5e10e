/* SPDX-License-Identifier: MIT
 *
 * Manual pages and completions out of the tables that the programs themselves read: options, limits,
 * commands, and what the plugins declare. */
#ifndef MAN_GENERATE_H
#define MAN_GENERATE_H

#include <stdio.h>

#include "core/codec.h"
#include "core/service.h"
#include "programs/kvc/command.h"
#include "programs/kvc/prompt/complete.h"
#include "programs/kvc/exit.h"
#include "programs/lib/options.h"

/* The plugins of kvs, each list ended by NULL. */
extern const struct weft_codec *const generate_codecs[];
extern const struct weft_service *const generate_services[];

/* The words an option takes, separated by spaces, in dst of size bytes; "" where any will do. */
void generate_choices(const struct cli_option *option, char *dst, size_t size);

/* Copies a page of man(7) from template. A line `@THING@` becomes what the tables have: OPTIONS-kvs,
 * OPTIONS-kvc, OPTIONS-bench, LIMITS-kvs, LIMITS-kvc, ENVIRONMENT-kvc, EXITS-kvc, COMMANDS, COMMANDS-prompt,
 * CODECS, SERVICES, ERRORS; @VERSION@ is replaced within a line. 0, or -1 for a thing that is unknown. */
int generate_manual(FILE *template, FILE *out);

/* A completion script for one program and shell. */
void generate_bash(enum cli_program program, FILE *out);
void generate_zsh(enum cli_program program, FILE *out);
void generate_fish(enum cli_program program, FILE *out);

#endif
