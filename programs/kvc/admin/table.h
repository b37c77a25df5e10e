/* SPDX-License-Identifier: MIT
 *
 * Prints rows in columns, and quantities in few letters. */
#ifndef KVC_TABLE_H
#define KVC_TABLE_H

#include <stdio.h>

enum { KVC_CELL = 24 };

/* Write a quantity to dst and return it: "1.2k", "3.4M"; bytes as "1.2KiB"; seconds as "1.2ms". */
const char *kvc_show_count(double count, char dst[KVC_CELL]);
const char *kvc_show_bytes(double bytes, char dst[KVC_CELL]);
const char *kvc_show_seconds(double seconds, char dst[KVC_CELL]);

/* Prints a text in which nothing moves the terminal's cursor, cut and padded to `width`; 0: as it is. */
void kvc_put_cell(FILE *out, const char *text, int width);

#endif
