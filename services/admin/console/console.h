/* SPDX-License-Identifier: MIT
 *
 * The console: a page that shows in a browser what the admin service knows. assemble.cmake makes one HTML document of
 * the files of this folder and of what they need from vendor/, so that it works without a network. */
#ifndef WEFT_ADMIN_CONSOLE_H
#define WEFT_ADMIN_CONSOLE_H

#include <stddef.h>

extern const unsigned char weft_console_page[];
extern const size_t weft_console_size; /* bytes */
/* The Content-Security-Policy to serve it with: it names the page's scripts and styles by their digests. */
extern const char weft_console_policy[];

#endif
