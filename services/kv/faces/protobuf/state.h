/* SPDX-License-Identifier: MIT
 *
 * Writes what is known of a key besides its value as a State of CommandResponse. */
#ifndef KV_STATE_H
#define KV_STATE_H

#include "services/kv/command.h"

/* Both take the state of a key at the time `now` (weft_loop_wall). put returns the byte after the field. */
size_t kv__state_size(const struct kv_state *state, int64_t now);
uint8_t *kv__state_put(uint8_t *dst, const struct kv_state *state, int64_t now);

#endif
