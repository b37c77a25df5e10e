/* SPDX-License-Identifier: MIT */
#include "option.h"

#include <string.h>

const char *weft_option_get(const struct weft_option_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->values[i].name, name) == 0)
            return set->values[i].value;
    }
    return NULL;
}
