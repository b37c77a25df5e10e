/* SPDX-License-Identifier: MIT
 *
 * Access log: a layer (core/layer.h) that writes a line per request to a file: who asked for what, how it ended, and how
 * long that took. The form of the line is a template of text and these names:
 *
 *     $time      when it ended: 2026-01-31T12:00:00.000Z    $conn      the connection's number
 *     $peer      its address: 127.0.0.1:40312, unix         $user      who it has proven to be, in quotes
 *     $command   what the service calls it: hset; - if it says nothing
 *     $object    what it was done to, such as a table, in quotes; cut after 47 bytes
 *     $status    the service's own, 0 if there is none      $request   bytes of its message
 *     $bytes     bytes of the answers' messages             $us        microseconds that it took
 *     $$         a dollar sign
 *
 * Texts that peers can choose are quoted and escaped as in the log (core/base/log.h). A request writes its line into a buffer
 * of its loop; a thread writes the buffers to the file, twenty times per second, or as soon as one is half full. A line
 * that finds its buffer full is left out and counted. */
#ifndef WEFT_ACCESS_H
#define WEFT_ACCESS_H

#include "core/base/log.h"
#include "core/layer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Register it with a struct weft_access as its context, which all endpoints and loops share. It has no options. */
extern const struct weft_layer weft_access_layer;

/* The template that NULL stands for. */
extern const char weft_access_default[];

struct weft_access;

/* Opens the file `path` to append to, and makes it with mode 0640 if need be. The path and the log are borrowed. Returns
 * 0; or, with one line in *error, WEFT_ECONFIG if the template has an unknown name, -errno if the file cannot be opened, or -ENOMEM.
 * The thread starts with the first line. What was left out is logged: `access-log-left-out lines=7`. */
WEFT_MUST_USE int weft_access_open(struct weft_access **access, const char *path,
                                   const char *template, const struct weft_log *log,
                                   struct weft_error *error);
/* Writes what is left and ends the thread. Called after every server that uses it is freed. NULL: does nothing. */
void weft_access_close(struct weft_access *access);

/* Returns 0 if a template is one; or WEFT_ECONFIG with one line in *error. */
WEFT_MUST_USE int weft_access_check(const char *template, struct weft_error *error);

/* Opens the file anew, in two phases: after a rename by logrotate(8), lines go to the new one from commit on. prepare
 * returns 0, and then commit or abandon follows; or -errno with one line in *error. One thread at a time. */
WEFT_MUST_USE int weft_access_prepare(struct weft_access *access, struct weft_error *error);
void weft_access_commit(struct weft_access *access);
void weft_access_abandon(struct weft_access *access);

/* Returns the lines that were left out so far, for want of room or since the file could not be written. Any thread. */
uint64_t weft_access_left_out(const struct weft_access *access);

#ifdef __cplusplus
}
#endif

#endif
