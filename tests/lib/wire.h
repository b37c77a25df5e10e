/* SPDX-License-Identifier: MIT
 *
 * A client that shares no code with the library: a blocking socket with a deadline on every wait,
 * frames as docs/wire.md has them, zlib for gzip. It asserts nothing, so it may be used on any
 * thread: one connection on one thread at a time. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds that one call may wait; it decides no test that passes. */
enum { WIRE_DEADLINE_MS = 120000 };

/* Heap memory; a zeroed one is empty. */
struct wire_bytes {
    uint8_t *data;
    size_t size;
};
void wire_free(struct wire_bytes *bytes);

/* Connects to what a server's `listening` line says: "tcp://127.0.0.1:9527", "tcp://[::1]:9527" or
 * "unix:PATH"; what follows a space or '?' is not looked at. A descriptor, or -errno. */
int wire_connect(const char *url);

/* All of the bytes, or -errno. */
int wire_send(int fd, const void *data, size_t size);

/* One frame: header and payload, the payload as it is. */
int wire_send_frame(int fd, const void *payload, size_t size);

/* Sends the payload as one gzip member, with the gzip bit set. */
int wire_send_gzip(int fd, const void *payload, size_t size);

/* The message of the next frame; where `gzip` a set top bit says that the payload is to be
 * inflated, else it is a length. 1: *message is the caller's to free; 0: the peer ended its side
 * between frames; -errno, -EPROTO for a bad frame or an end inside one, -ETIMEDOUT. */
int wire_receive(int fd, bool gzip, struct wire_bytes *message);

/* Exactly size bytes, whatever they are. 0 or -errno, -EPROTO where the peer ended before. */
int wire_receive_bytes(int fd, void *dst, size_t size);

/* Ends our direction. */
void wire_shutdown(int fd);

/* The header of a frame. */
void wire_header(uint8_t header[4], uint32_t length);

/* The payload as one gzip member; data NULL where there is no memory. */
struct wire_bytes wire_deflate(const void *payload, size_t size);

/* "00ff" as bytes; data NULL where it is not hex. */
struct wire_bytes wire_from_hex(const char *hex);

/* All of a file, and `data` NULL where it cannot be read. */
struct wire_bytes wire_from_file(const char *path);

/* The status of a CommandResponse (field 1), 0 where it has none, -1 where it is no message. */
int wire_status(const struct wire_bytes *message);

#endif
