/* SPDX-License-Identifier: MIT
 *
 * The user's settings of libedit: the file that EDITRC names, or ~/.editrc. */
#ifndef KV_CLI_EDITRC_H
#define KV_CLI_EDITRC_H

#include <histedit.h>

/* Runs the commands of the file. `bind -v` and `bind -e` bind every key anew, so bind_keys is
 * called after each of them; what the file binds later stays. */
void cli_editrc_run(EditLine *edit, void (*bind_keys)(EditLine *edit));

#endif
