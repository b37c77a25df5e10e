/* SPDX-License-Identifier: MIT */
#include "transports.h"

const struct weft_transport *const *weft_transports_basic(void)
{
    static const struct weft_transport *const transports[] = {
        &weft_transport_tcp,
        &weft_transport_unix,
        NULL,
    };
    return transports;
}
