/* SPDX-License-Identifier: MIT
 *
 * echo answers every message with itself, and is the service to copy from. It answers at once; with
 * `delay=MS` it answers later, and with `repeat=N` as a stream of N messages. */
#ifndef ECHO_H
#define ECHO_H

#include "core/service.h"

extern const struct weft_service echo_service;

#endif
