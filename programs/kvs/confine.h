/* SPDX-License-Identifier: MIT
 *
 * The sandbox that fits a configuration: it leaves the folders that its store, endpoints and files need. */
#ifndef KVS_CONFINE_H
#define KVS_CONFINE_H

#include "options.h"

/* Enters it, for the rest of the process. Returns 0, or an error with one line in *error. */
WEFT_MUST_USE int kvs_confine(const struct kvs_config *config, const struct weft_log *log,
                              struct weft_error *error);

#endif
