/* SPDX-License-Identifier: MIT
 *
 * The options among the words of a command: conditions, expiry, filters. Private to faces/line. */
#ifndef KV_LINE_OPTIONS_H
#define KV_LINE_OPTIONS_H

#include "core/base/compiler.h"
#include "request.h"

struct kv_line_option;

/* Returns the option that a word is, or NULL. *value is what stands behind its =. *needs_word: its value is
 * the next word. */
const struct kv_line_option *kv_line_option_find(struct weft_view word, struct weft_view *value,
                                                 bool *needs_word);

/* Brings an option with its value into the request and the call. */
enum kv_line_read kv_line_option_set(struct kv_line_request *request,
                                     const struct kv_line_option *option, struct weft_view value,
                                     struct kv_call *call);

/* Reads "never", or a time from now, as an expiry. False: it is neither. */
bool kv_line_read_time(const struct kv_line_request *request, struct weft_view text,
                       int64_t *expires);

/* Sets request->why and returns KV_LINE_WRONG. */
enum kv_line_read kv_line_wrong(struct kv_line_request *request, const char *format, ...)
    WEFT_PRINTF(2, 3);

#endif
