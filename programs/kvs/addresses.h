/* SPDX-License-Identifier: MIT
 *
 * A check of the addresses of --listen and --admin: can they be bound? */
#ifndef KVS_ADDRESSES_H
#define KVS_ADDRESSES_H

#include <stdio.h>

#include "admin.h"
#include "core/server.h"
#include "options.h"

/* Binds each address that has a host, for a moment; Unix sockets are left alone, for that would make or replace their files.
 * `options` are those of the server. An address that is in use is no error, since --check may be about the kvs that
 * listens there: a line on err says so. Returns 0, or the error of weft_server_listen with one line in *error, as for
 * a port below 1024 without the privilege, or an address that is not this machine's. */
WEFT_MUST_USE int kvs_addresses_try(const struct kvs_config *config,
                                    const struct weft_server_options *options, FILE *err,
                                    struct weft_error *error);

#endif
