/* SPDX-License-Identifier: MIT
 *
 * The slots of core/service.h, which all faces have in common. Private to this folder. */
#ifndef WEFT_RPC_SERVICE_H
#define WEFT_RPC_SERVICE_H

#include "core/service.h"

/* A service to copy: `name` and `speaks` are to be set. Its context is a struct weft__rpc_served. */
extern const struct weft_service weft__rpc_service;

#endif
