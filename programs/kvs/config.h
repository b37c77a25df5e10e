/* SPDX-License-Identifier: MIT
 *
 * The settings of kvs as text: what is in force, and the example file. */
#ifndef KVS_CONFIG_H
#define KVS_CONFIG_H

#include <stdio.h>

#include "options.h"
#include "programs/lib/exposure.h"

/* Prints every setting with its origin, in the form of a configuration file:
 * `log-level debug    # /etc/kvs.conf:3`. */
void kvs_config_print(const struct kvs_config *config, const struct cli_table *table, FILE *out);

/* Prints a configuration file in which every setting is explained, at its default and commented out. */
void kvs_config_print_example(const struct cli_table *table, FILE *out);

/* Returns what the settings say about who can reach the server. It borrows from config. */
struct cli_exposure kvs_exposure_of(const struct kvs_config *config);

/* True if the two have one value for the option. */
bool kvs_config_is_equal(const struct kvs_config *one, const struct kvs_config *other,
                         const struct cli_table *table, const struct cli_option *option);

#endif
