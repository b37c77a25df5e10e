/* SPDX-License-Identifier: MIT */
#include "table.h"

/* Goes back to the last star alone, so that the time is the product of both lengths at most. */
bool users_glob(const char *glob, struct weft_view text)
{
    const char *star = NULL;
    size_t at = 0, from = 0;
    while (at < text.size) {
        if (*glob == '*') {
            star = ++glob;
            from = at;
        } else if (*glob && (*glob == '?' || (uint8_t)*glob == text.data[at])) {
            glob++;
            at++;
        } else if (star) {
            glob = star;
            at = ++from;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

bool users_may(const struct users_entry *user, unsigned what, struct weft_view object)
{
    if ((user->everywhere & what) == what)
        return true;
    for (size_t i = 0; i < user->rule_count; i++)
        if ((user->rules[i].what & what) == what && users_glob(user->rules[i].glob, object))
            return true;
    return false;
}
