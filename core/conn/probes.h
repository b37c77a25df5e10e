/* SPDX-License-Identifier: MIT
 *
 * Probes for tracers of a running process (USDT: perf, bpftrace, systemtap). Each is one no-op until somebody traces it.
 * docs/admin.md lists them. Private to the core. */
#ifndef WEFT_PROBES_H
#define WEFT_PROBES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef WEFT_HAS_SDT
#include <sys/sdt.h>
#ifdef __clang__
/* The macros of sys/sdt.h leave the variable arguments of others out, which clang warns of where they are used. */
#pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif
#define WEFT__PROBE(name, connection, a, b) DTRACE_PROBE3(weft, name, connection, a, b)
#else
#define WEFT__PROBE(name, connection, a, b) ((void)(connection), (void)(a), (void)(b))
#endif

/* A frame: the bytes consumed, and those of the message. */
static inline void weft__probe_decode(uint64_t connection, ssize_t consumed, size_t message)
{
    WEFT__PROBE(decode, connection, consumed, message);
}

/* The service's call, layers included. */
static inline void weft__probe_call(uint64_t connection, const void *request, size_t message)
{
    WEFT__PROBE(call, connection, request, message);
}

/* The end of a request. */
static inline void weft__probe_end(uint64_t connection, const void *request, uint32_t status)
{
    WEFT__PROBE(end, connection, request, status);
}

/* A write to a stream: pieces offered, bytes taken or an error. */
static inline void weft__probe_write(uint64_t connection, int pieces, ssize_t taken)
{
    WEFT__PROBE(write, connection, pieces, taken);
}

#endif
