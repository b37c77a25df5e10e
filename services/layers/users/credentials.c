/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

/* Takes the scheme and the spaces behind it from the value. */
static bool take_scheme(struct weft_view *value, const char *scheme)
{
    size_t size = strlen(scheme);
    if (value->size <= size || strncasecmp((const char *)value->data, scheme, size) != 0 ||
        value->data[size] != ' ')
        return false;
    while (size < value->size && value->data[size] == ' ')
        size++;
    *value = weft_view_skip(*value, size);
    return true;
}

bool users_credentials_read(struct weft_view value, uint8_t *dst, struct weft_view *user,
                            struct weft_view *secret)
{
    size_t size = 0;
    uint8_t divider = ':';
    if (take_scheme(&value, "basic")) {
        if (sodium_base642bin(dst, USERS_CREDENTIALS_MAX, (const char *)value.data, value.size,
                              NULL, &size, NULL, sodium_base64_VARIANT_ORIGINAL) < 0)
            return false;
    } else if (take_scheme(&value, "bearer") && value.size <= USERS_CREDENTIALS_MAX) {
        memcpy(dst, value.data, value.size);
        size = value.size;
        divider = '.';
    } else {
        return false;
    }
    const uint8_t *end = size > 0 ? memchr(dst, divider, size) : NULL;
    if (!end)
        return false;
    *user = weft_view(dst, (size_t)(end - dst));
    *secret = weft_view(end + 1, size - user->size - 1);
    return true;
}
