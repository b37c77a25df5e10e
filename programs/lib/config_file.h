/* SPDX-License-Identifier: MIT
 *
 * Reads a configuration file: `name value` a line, where the names are those of the command line's options
 * without their dashes. Empty lines, and what follows a `#` at a line's begin or after a space, do not count.
 *
 *     log-level debug
 *     listen tcp://127.0.0.1:9527
 *         codec resp
 *     include local.conf
 *
 * An indented line belongs to the line before it that is not indented, and becomes an option of its URL:
 * the endpoint above is tcp://127.0.0.1:9527?codec=resp. A relative `include` is relative to the folder of the
 * file that has it. A pattern (glob(7)) includes what it matches, in the order of the names, which may be nothing;
 * a plain name must exist. Main thread. */
#ifndef CLI_CONFIG_FILE_H
#define CLI_CONFIG_FILE_H

#include "core/base/err.h"

/* The deepest include, and the longest file in bytes. */
enum { CLI_INCLUDE_MAX = 8, CLI_FILE_MAX = 1024 * 1024 };

/* Texts that settings borrow, until cli_texts_free. Zeroed before its first use. */
struct cli_texts {
    struct cli_text *first;
};

/* Returns a copy of `size` bytes of text, terminated, which texts owns, or NULL if there is no memory. */
char *cli_texts_copy(struct cli_texts *texts, const char *text, size_t size);

void cli_texts_free(struct cli_texts *texts);

/* One line, with the options of its URL. Its strings live as long as the texts do. */
struct cli_setting {
    const char *name, *value; /* value is NULL if the line is just a name */
    const char *file;
    unsigned line; /* the first is 1 */
};

/* Reads the file at path and what it includes, and calls take with each setting in its order. It ends with the
 * first error that take returns, before whose text it sets "FILE:LINE: ". Returns 0; WEFT_ECONFIG for a mistake of
 * a file, includes that are too deep or include themselves among them; or -errno for a file that cannot be
 * read: *error has one line, which names the file. */
WEFT_MUST_USE int cli_config_read(struct cli_texts *texts, const char *path,
                                  int (*take)(void *arg, const struct cli_setting *setting,
                                              struct weft_error *error),
                                  void *arg, struct weft_error *error);

#endif
