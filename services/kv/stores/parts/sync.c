/* SPDX-License-Identifier: MIT */
#include "sync.h"

#include <string.h>

#include "core/base/units.h"

int kv_sync_read(struct kv_sync *sync, const struct weft_option_set *set, struct weft_error *error)
{
    const char *text = weft_option_get(set, "sync");
    *sync = (struct kv_sync){.when = KV_SYNC_ALWAYS};
    if (!text || strcmp(text, "always") == 0)
        return 0;
    if (strcmp(text, "off") == 0) {
        sync->when = KV_SYNC_OFF;
        return 0;
    }
    sync->when = KV_SYNC_LATER;
    if (weft_parse_seconds(text, &sync->every) == 0 && sync->every >= WEFT_SECONDS(1) / 1000 &&
        sync->every <= WEFT_SECONDS(3600))
        return 0;
    return weft_error_set(error, WEFT_ECONFIG,
                          "sync=%.64s: it is always, off, or seconds from 0.001 to 3600", text);
}
