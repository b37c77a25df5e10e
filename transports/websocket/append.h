/* SPDX-License-Identifier: MIT
 *
 * Text for the output. Private to the WebSocket filter. */
#ifndef WEFT_WEBSOCKET_APPEND_H
#define WEFT_WEBSOCKET_APPEND_H

#include "core/base/chain.h"

enum { WEFT__WS_TEXT_MAX = 2048 }; /* bytes of one append, its NUL included */

/* Appends text in the form of printf. The caller knows that it fits. Returns 0 or -ENOMEM. */
WEFT_MUST_USE int weft__ws_print(struct weft_chain *out, const char *format, ...) WEFT_PRINTF(2, 3);

#endif
