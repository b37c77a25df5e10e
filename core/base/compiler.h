/* SPDX-License-Identifier: MIT
 *
 * Names for what GCC and Clang can check or arrange beyond standard C. */
#ifndef WEFT_COMPILER_H
#define WEFT_COMPILER_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_HAS_ASAN 1
#endif
#endif

#ifdef WEFT_HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* Makes the compiler warn about a caller that ignores the result. */
#define WEFT_MUST_USE          __attribute__((warn_unused_result))

/* Makes the compiler check a call's arguments against its format, as it does for printf. fmt is the
 * position of the format among the parameters, counted from 1; args is that of the first argument that
 * is formatted. */
#define WEFT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Keeps a rarely taken path out of line, so that the hot path does not pay for its stack frame. */
#define WEFT_NOINLINE          __attribute__((noinline))

/* Inlines a short function of the hot path into every caller. Left alone, the compiler would emit one
 * copy for all of them once there are several. */
#define WEFT_INLINE            inline __attribute__((always_inline))

/* Returns the struct of this type whose member `member` is at pointer. */
#define weft_container_of(pointer, type, member)                                                   \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#ifdef __cplusplus
extern "C" {
#endif

/* These two tell AddressSanitizer that nobody may touch some bytes of a recycled block, and that they may
 * be used again. So it reports a use after a reset although nothing was freed. In other builds they do
 * nothing. */
static inline void weft_poison(const void *p, size_t size)
{
#ifdef WEFT_HAS_ASAN
    __asan_poison_memory_region(p, size);
#else
    (void)p;
    (void)size;
#endif
}

static inline void weft_unpoison(const void *p, size_t size)
{
#ifdef WEFT_HAS_ASAN
    __asan_unpoison_memory_region(p, size);
#else
    (void)p;
    (void)size;
#endif
}

#ifdef __cplusplus
}
#endif

#endif
