/* SPDX-License-Identifier: MIT
 *
 * The password that kvc logs in with. It comes from a file, the environment or a terminal, never from the command
 * line or a URL, which others can read. */
#ifndef KV_CLI_SECRET_H
#define KV_CLI_SECRET_H

#include <stddef.h>

#include "options.h"
#include "programs/lib/password.h"

struct kvc_secret {
    size_t size; /* 0: kvc does not log in */
    char text[CLI_PASSWORD_SIZE];
    const char *source; /* where it came from, for people */
};

/* Sets up *secret for config->user; without one it is empty. Takes the first line of --password-file, or else
 * KVC_PASSWORD, which is overwritten and removed from the environment, or else asks on the terminal. Returns 0, or
 * WEFT_ECONFIG or -errno with one line in *error. */
WEFT_MUST_USE int kvc_secret_init(struct kvc_secret *secret, const struct kvc_config *config,
                                  struct weft_error *error);

/* Overwrites it. */
void kvc_secret_fini(struct kvc_secret *secret);

#endif
