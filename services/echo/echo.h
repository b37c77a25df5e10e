/* SPDX-License-Identifier: MIT
 *
 * echo: answers a message with itself; the service to copy from. It answers at once, with
 * `delay=MS` later, with `repeat=N` as a stream of N messages. */
#ifndef ECHO_H
#define ECHO_H

#include "core/service.h"

extern const struct weft_service echo_service;

#endif
