/* SPDX-License-Identifier: MIT
 *
 * The part of the oracle that holds a call against the message that protobuf-c has read. */
#ifndef TEST_KV_ORACLE_COMPARE_H
#define TEST_KV_ORACLE_COMPARE_H

#include "abi_bytes.pb-c.h"
#include "services/kv/command.h"

/* Returns what differs, as a static text, or NULL. The request has a command. now: the calendar of the
 * loop on which the call was decoded. */
const char *kv_oracle_compare(const AbiBytes__CommandRequest *request, const struct kv_call *call,
                              int64_t now);

/* True if our packed value is that message; NULL is the empty value. */
bool kv_oracle_same_value(AbiBytes__Value *value, struct weft_view ours);

#endif
