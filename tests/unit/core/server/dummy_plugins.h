/* SPDX-License-Identifier: MIT
 *
 * Plugins that have all they must have and are never run: for tests about looking them up and
 * configuring them. Each speaks "*" and has no options; a test sets what it needs. */
#ifndef WEFT_TEST_DUMMY_PLUGINS_H
#define WEFT_TEST_DUMMY_PLUGINS_H

#include "core/codec.h"
#include "core/service.h"
#include "core/transport.h"

struct weft_codec dummy_codec(const char *name);
struct weft_service dummy_service(const char *name);
struct weft_transport dummy_transport(const char *name);

#endif
