/* SPDX-License-Identifier: MIT
 *
 * The test vectors of tests/vectors: files of one JSON object a line. What cannot be read ends the
 * program with a line that says so: a test without its vectors must not pass. */
#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include <jansson.h>

#include "core/base/bytes.h"

/* All rows of dir/name as a JSON array; json_decref() it. dir is a program's first argument, or
 * NULL: the vectors in the source tree. */
json_t *vectors_load(const char *dir, const char *name);

/* The bytes of a row's field: NAME_hex, or the file (in dir) that NAME_file names. weft_bytes_fini
 * them. */
struct weft_bytes vectors_bytes(const char *dir, const json_t *row, const char *name);

/* A string of a row. Valid as long as the row. */
const char *vectors_string(const json_t *row, const char *name);

#endif
