/* SPDX-License-Identifier: MIT
 *
 * kvc top: what kvs does at present, again and again, as top(1) shows processes. */
#ifndef KVC_TOP_H
#define KVC_TOP_H

#include "ask.h"

/* Looks every --interval and prints what has happened since: on a terminal until q or a signal, else once, or --count
 * times. With --json each look is one object. Returns the exit code. */
enum cli_exit kvc_top(struct kvc_ask *ask);

#endif
