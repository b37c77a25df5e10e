/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Others may read the environment of a process as long as it runs. */
static ssize_t take_variable(char *dst, char *value, struct weft_error *error)
{
    size_t size = strlen(value);
    bool fits = size < CLI_PASSWORD_SIZE;
    if (fits)
        memcpy(dst, value, size + 1);
    explicit_bzero(value, size);
    (void)unsetenv("KVC_PASSWORD");
    if (fits && size > 0)
        return (ssize_t)size;
    return weft_error_set(error, WEFT_ECONFIG, "KVC_PASSWORD: a password has 1 to %d bytes",
                          CLI_PASSWORD_SIZE - 1);
}

int kvc_secret_init(struct kvc_secret *secret, const struct kvc_config *config,
                    struct weft_error *error)
{
    secret->size = 0;
    if (!config->user)
        return 0;
    char prompt[128], *variable = getenv("KVC_PASSWORD");
    ssize_t size;
    if (config->password_file) {
        secret->source = config->password_file;
        size = cli_password_read(secret->text, config->password_file, error);
    } else if (variable) {
        secret->source = "KVC_PASSWORD";
        size = take_variable(secret->text, variable, error);
    } else {
        secret->source = "the terminal";
        (void)snprintf(prompt, sizeof prompt, "Password of %.64s: ", config->user);
        size = cli_password_ask_terminal(secret->text, prompt, error);
    }
    if (size < 0)
        return (int)size;
    secret->size = (size_t)size;
    return 0;
}

void kvc_secret_fini(struct kvc_secret *secret)
{
    explicit_bzero(secret->text, sizeof secret->text);
    secret->size = 0;
}
