/* SPDX-License-Identifier: MIT
 *
 * Reads the options among the words of a command: conditions, expiry and filters. Private to faces/line. */
#ifndef KV_LINE_OPTIONS_H
#define KV_LINE_OPTIONS_H

#include "core/base/compiler.h"
#include "request.h"

struct kv_line_option;

/* Returns the option with the name that `word` has, or NULL. Sets *value to the part of the word behind its =. Sets
 * *needs_word to true if the value is the next word instead. */
const struct kv_line_option *kv_line_option_find(struct weft_view word, struct weft_view *value,
                                                 bool *needs_word);

/* Applies an option with its value to the request and the call. Returns KV_LINE_READ, or what is wrong. */
enum kv_line_read kv_line_option_set(struct kv_line_request *request,
                                     const struct kv_line_option *option, struct weft_view value,
                                     struct kv_call *call);

/* Reads "never" or a time from now, and sets *expires to the expiry (store.h). False: it is neither. */
bool kv_line_read_time(const struct kv_line_request *request, struct weft_view text,
                       int64_t *expires);

/* Writes request->why with printf and returns KV_LINE_WRONG. */
enum kv_line_read kv_line_wrong(struct kv_line_request *request, const char *format, ...)
    WEFT_PRINTF(2, 3);

#endif
