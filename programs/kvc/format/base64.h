/* SPDX-License-Identifier: MIT
 *
 * Base64 as RFC 4648, section 4, has it: padded, one line. */
#ifndef KV_CLI_BASE64_H
#define KV_CLI_BASE64_H

#include <stdio.h>

#include "core/base/bytes.h"

void cli_base64_print(FILE *out, struct weft_view bytes);

/* The strict reading: padded to a multiple of four, and the bits that the padding leaves over are
 * zero, so that each value has one spelling. bytes is the caller's on success. WEFT_EMALFORMED;
 * -ENOMEM. */
WEFT_MUST_USE int cli_base64_read(struct weft_view text, struct weft_bytes *bytes);

#endif
