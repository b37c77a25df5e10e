/* SPDX-License-Identifier: MIT
 *
 * Tells AddressSanitizer which bytes of a recycled block nobody may touch, so that a use after a
 * reset is seen although nothing was freed. Costs nothing in other builds. Private to the project. */
#ifndef WEFT_POISON_H
#define WEFT_POISON_H

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

static inline void weft__poison(const void *p, size_t size)
{
#ifdef WEFT_HAS_ASAN
    __asan_poison_memory_region(p, size);
#else
    (void)p;
    (void)size;
#endif
}

static inline void weft__unpoison(const void *p, size_t size)
{
#ifdef WEFT_HAS_ASAN
    __asan_unpoison_memory_region(p, size);
#else
    (void)p;
    (void)size;
#endif
}

#endif
