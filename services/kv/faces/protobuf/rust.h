/* SPDX-License-Identifier: MIT
 *
 * Strings in Rust's Debug form. The first server of this protocol was written in Rust and quoted the
 * messages that it refused, so its clients know these texts. */
#ifndef KV_RUST_H
#define KV_RUST_H

#include "services/kv/text.h"

/* A kv_text_form: puts UTF-8 between quotation marks. `\" \\ \n \r \t \0` are escaped in this way,
 * other control characters as `\u{7f}`. */
size_t kv_rust_quote(struct weft_view text, uint8_t *dst);

#endif
