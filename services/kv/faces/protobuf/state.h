/* SPDX-License-Identifier: MIT
 *
 * Writes the version and expiry of a key as a State of CommandResponse. */
#ifndef KV_STATE_H
#define KV_STATE_H

#include "services/kv/command.h"

/* kv__state_size returns the number of bytes that kv__state_put writes, which returns the position behind them. now is
 * weft_loop_wall, from which the time that is left is computed. */
size_t kv__state_size(const struct kv_state *state, int64_t now);
uint8_t *kv__state_put(uint8_t *dst, const struct kv_state *state, int64_t now);

#endif
