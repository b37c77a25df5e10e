/* SPDX-License-Identifier: MIT
 *
 * From a member back to the struct that holds it. */
#ifndef WEFT_CONTAINER_H
#define WEFT_CONTAINER_H

#include <stddef.h>

#define weft_container_of(pointer, type, member)                                                   \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
