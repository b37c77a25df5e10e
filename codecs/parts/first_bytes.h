/* SPDX-License-Identifier: MIT
 *
 * Whose first bytes are these? A peer of another protocol (a browser, a redis client, a port
 * scanner) shows itself in the first four bytes of a connection, which read as a length of hundreds
 * of megabytes. */
#ifndef WEFT_FIRST_BYTES_H
#define WEFT_FIRST_BYTES_H

#include "core/codec.h"

/* To be asked only where `first` is no legal length. 0: not another protocol that we know.
 * WEFT_EFOREIGN: io->detail names it as core/codec.h has it, and a server's io->out has a line that
 * such a peer can show to its user, which names `codec`. */
WEFT_MUST_USE int weft__first_bytes_check(const uint8_t first[4], enum weft_role role,
                                          const char *codec, struct weft_decode_io *io);

#endif
