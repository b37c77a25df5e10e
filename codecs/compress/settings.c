/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "gzip.h"
#include "core/base/units.h"

int weft__gzip_configure(struct weft__gzip_settings *settings, const struct weft_option_set *set,
                         struct weft_error *error)
{
    const char *threshold = weft_option_get(set, "threshold");
    const char *level = weft_option_get(set, "level");
    uint64_t number;

    settings->threshold = WEFT__GZIP_THRESHOLD;
    if (threshold && strcmp(threshold, "off") == 0)
        settings->threshold = UINT64_MAX;
    else if (threshold && weft_parse_size(threshold, &settings->threshold) < 0)
        return weft_error_set(error, WEFT_ECONFIG, "threshold=%s: it takes BYTES or off",
                              threshold);

    if (level && strcmp(level, "auto") != 0) {
        if (weft_parse_count(level, &number) < 0 || number < 1 || number > 9)
            return weft_error_set(error, WEFT_ECONFIG, "level=%s: it takes 1 to 9 or auto", level);
        settings->level = (uint32_t)number;
    }
    return 0;
}

int weft__gzip_level(const struct weft__gzip_settings *settings, size_t size, bool must)
{
    if (size <= settings->threshold && !must)
        return 0;
    if (settings->threshold == UINT64_MAX || size > WEFT__GZIP_MAX)
        return 0;
    int level = settings->level ? (int)settings->level : weft__gzip_auto_level(size);
    return level == 0 && must ? 1 : level;
}
