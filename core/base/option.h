/* SPDX-License-Identifier: MIT
 *
 * Options of a plugin, as they stand in an endpoint's URL: `?threshold=1436&level=6`. */
#ifndef WEFT_OPTION_H
#define WEFT_OPTION_H

#include <stddef.h>

/* What a plugin declares: an array of these, ended by a NULL name. Static. */
struct weft_option {
    const char *name;
    const char *values; /* what it takes, for --help and for refusals: "1...9|auto" */
    const char *help;
};

/* One that was given. */
struct weft_option_value {
    const char *name, *value;
};

/* All that were given, to whichever plugin; borrowed for the call that is handed it. */
struct weft_option_set {
    const struct weft_option_value *values;
    size_t count;
};

/* The value of name, or NULL where it was not given. */
const char *weft_option_get(const struct weft_option_set *set, const char *name);

#endif
