/* SPDX-License-Identifier: MIT
 *
 * Probes for tracers of a running process (USDT: perf, bpftrace, systemtap). Each is one no-op until somebody traces it.
 * docs/admin.md lists them. Private to the core. */
#ifndef WEFT_PROBES_H
#define WEFT_PROBES_H

#ifdef WEFT_HAS_SDT
#include <sys/sdt.h>
#ifdef __clang__
/* The macros of sys/sdt.h leave the variable arguments of others out, which clang warns of where they are used. */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define WEFT__PROBE(name, connection, a, b) DTRACE_PROBE3(weft, name, connection, a, b)
#else
#define WEFT__PROBE(name, connection, a, b) ((void)0)
#endif

#endif
