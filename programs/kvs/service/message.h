/* SPDX-License-Identifier: MIT
 *
 * A message with a descriptor, as the manager and the kvs before and after this one understand it. */
#ifndef KVS_MESSAGE_H
#define KVS_MESSAGE_H

#include "core/base/compiler.h"

/* Sends one message, with a descriptor if fd is not negative. flags are those of sendmsg(2). Returns 0 or -errno. */
WEFT_MUST_USE int kvs_message_send(int connection, const char *text, int fd, int flags);

#endif
