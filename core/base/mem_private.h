/* SPDX-License-Identifier: MIT
 *
 * weft_pages_new and weft_pages_free by the system. Private to the core. */
#ifndef WEFT_MEM_PRIVATE_H
#define WEFT_MEM_PRIVATE_H

#include <stddef.h>

void *weft__pages_map(size_t size);
int weft__pages_unmap(void *p, size_t size);

#endif
