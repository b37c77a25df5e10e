/* SPDX-License-Identifier: MIT
 *
 * Takes the place of libdeflate's two allocations in tests (--wrap), so that they fail when one of
 * weft_malloc in their place would: its own allocator can be replaced for the whole process only. */
#include <libdeflate.h>

#include "core/base/mem.h"

struct libdeflate_compressor *__real_libdeflate_alloc_compressor(int level);
struct libdeflate_compressor *__wrap_libdeflate_alloc_compressor(int level);
struct libdeflate_decompressor *__real_libdeflate_alloc_decompressor(void);
struct libdeflate_decompressor *__wrap_libdeflate_alloc_decompressor(void);

static int is_refused(void)
{
    void *block = weft_malloc(1);
    weft_free(block);
    return !block;
}

struct libdeflate_compressor *__wrap_libdeflate_alloc_compressor(int level)
{
    return is_refused() ? NULL : __real_libdeflate_alloc_compressor(level);
}

struct libdeflate_decompressor *__wrap_libdeflate_alloc_decompressor(void)
{
    return is_refused() ? NULL : __real_libdeflate_alloc_decompressor();
}
