/* SPDX-License-Identifier: MIT
 *
 * The transport of `unix:PATH`, a stream socket in the file system (unix(7)). Only its owner may
 * connect: it is made with mode 0600. A socket that a server left behind is replaced; one that
 * a server listens on, or a file that is no socket, is not. */
#ifndef WEFT_UNIX_H
#define WEFT_UNIX_H

#include "transport.h"

extern const struct weft_transport weft_transport_unix;

#endif
