/* SPDX-License-Identifier: MIT
 *
 * Writes strings in Rust's Debug form. The first server of this protocol was written in Rust and quoted the messages
 * that it refused in this form, so its clients expect it. */
#ifndef KV_RUST_H
#define KV_RUST_H

#include "services/kv/text.h"

/* A kv_text_form (text.h): writes UTF-8 text between quotation marks, with the escapes `\" \\ \n \r \t \0`, and with
 * other control characters as `\u{7f}`. */
size_t kv_rust_quote(struct weft_view text, uint8_t *dst);

#endif
