/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

void wire_free(struct wire_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct wire_bytes){0};
}

static int wait_for(int fd, short events)
{
    struct pollfd poller = {.fd = fd, .events = events};
    int ready = poll(&poller, 1, WIRE_DEADLINE_MS);
    if (ready < 0)
        return errno == EINTR ? 0 : -errno;
    return ready == 0 ? -ETIMEDOUT : 0;
}

static int connect_socket(int family, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    const int on = 1;
    if (connect(fd, address, size) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
        (family != AF_UNIX && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static int connect_unix(const char *path, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    return connect_socket(AF_UNIX, (struct sockaddr *)&address, sizeof address);
}

static int connect_tcp(const char *where, size_t length)
{
    char text[128];
    if (length >= sizeof text)
        return -ENAMETOOLONG;
    memcpy(text, where, length);
    text[length] = '\0';
    char *colon = strrchr(text, ':'), *host = text;
    if (!colon)
        return -EINVAL;
    *colon = '\0';
    if (*host == '[') {
        host++;
        colon[-1] = '\0';
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return -EINVAL;
    int fd = connect_socket(found->ai_family, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

int wire_connect(const char *url)
{
    size_t length = strcspn(url, " ?");
    if (strncmp(url, "unix:", 5) == 0)
        return connect_unix(url + 5, length - 5);
    if (strncmp(url, "tcp://", 6) == 0)
        return connect_tcp(url + 6, length - 6);
    return -EINVAL;
}

int wire_send(int fd, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n < 0) {
            int err = wait_for(fd, POLLOUT);
            if (err < 0)
                return err;
            continue;
        }
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* Reads until *have is want. 0, -errno, or 1 at the peer's end. */
static int receive_until(int fd, uint8_t *dst, size_t *have, size_t want)
{
    while (*have < want) {
        ssize_t n = recv(fd, dst + *have, want - *have, 0);
        if (n == 0)
            return 1;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -errno;
        if (n < 0) {
            int err = wait_for(fd, POLLIN);
            if (err < 0)
                return err;
            continue;
        }
        *have += (size_t)n;
    }
    return 0;
}

void wire_header(uint8_t header[4], uint32_t length)
{
    header[0] = (uint8_t)(length >> 24);
    header[1] = (uint8_t)(length >> 16);
    header[2] = (uint8_t)(length >> 8);
    header[3] = (uint8_t)length;
}

/* Header and payload leave in one piece: in two, the second waits for the first's delayed ACK. */
static int send_headed(int fd, uint32_t header, const void *payload, size_t size)
{
    uint8_t *frame = malloc(4 + size);
    if (!frame)
        return -ENOMEM;
    wire_header(frame, header);
    if (size > 0)
        memcpy(frame + 4, payload, size);
    int err = wire_send(fd, frame, 4 + size);
    free(frame);
    return err;
}

int wire_send_frame(int fd, const void *payload, size_t size)
{
    return send_headed(fd, (uint32_t)size, payload, size);
}

struct wire_bytes wire_deflate(const void *payload, size_t size)
{
    struct wire_bytes member = {0};
    z_stream stream = {0};
    /* 15 + 16: the largest window, in a gzip wrapper. */
    if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return member;
    size_t bound = deflateBound(&stream, size);
    member.data = malloc(bound);
    stream.next_in = payload;
    stream.avail_in = (uInt)size;
    stream.next_out = member.data;
    stream.avail_out = (uInt)bound;
    if (!member.data || deflate(&stream, Z_FINISH) != Z_STREAM_END)
        wire_free(&member);
    else
        member.size = stream.total_out;
    deflateEnd(&stream);
    return member;
}

int wire_send_gzip(int fd, const void *payload, size_t size)
{
    struct wire_bytes member = wire_deflate(payload, size);
    if (!member.data)
        return -ENOMEM;
    int err =
        send_headed(fd, (uint32_t)member.size | UINT32_C(0x80000000), member.data, member.size);
    wire_free(&member);
    return err;
}

/* Replaces one gzip member by what it holds; its last four bytes say how much that is. */
static int inflate_message(struct wire_bytes *message)
{
    if (message->size < 18)
        return -EPROTO;
    const uint8_t *tail = message->data + message->size - 4;
    size_t size = tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 | (size_t)tail[3] << 24;
    struct wire_bytes plain = {.data = malloc(size + 1), .size = size};
    z_stream stream = {.next_in = message->data, .avail_in = (uInt)message->size};
    if (!plain.data || inflateInit2(&stream, 15 + 16) != Z_OK) {
        wire_free(&plain);
        return -ENOMEM;
    }
    stream.next_out = plain.data;
    stream.avail_out = (uInt)size + 1;
    int end = inflate(&stream, Z_FINISH);
    bool whole = end == Z_STREAM_END && stream.avail_in == 0 && stream.total_out == size;
    inflateEnd(&stream);
    wire_free(message);
    *message = plain;
    return whole ? 0 : -EPROTO;
}

int wire_receive(int fd, bool gzip, struct wire_bytes *message)
{
    *message = (struct wire_bytes){0};
    uint8_t header[4];
    size_t have = 0;
    int err = receive_until(fd, header, &have, sizeof header);
    if (err != 0)
        return err < 0 ? err : have == 0 ? 0 : -EPROTO;
    uint32_t length = (uint32_t)header[0] << 24 | (uint32_t)header[1] << 16 |
                      (uint32_t)header[2] << 8 | header[3];
    bool compressed = gzip && length >> 31;
    message->size = compressed ? length & UINT32_C(0x7fffffff) : length;
    message->data = malloc(message->size + 1);
    have = 0;
    if (!message->data)
        return -ENOMEM;
    err = receive_until(fd, message->data, &have, message->size);
    if (err == 0 && compressed)
        err = inflate_message(message);
    if (err == 0)
        return 1;
    wire_free(message);
    return err < 0 ? err : -EPROTO;
}

int wire_receive_bytes(int fd, void *dst, size_t size)
{
    size_t have = 0;
    int err = receive_until(fd, dst, &have, size);
    return err > 0 ? -EPROTO : err;
}

void wire_shutdown(int fd)
{
    shutdown(fd, SHUT_WR);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

struct wire_bytes wire_from_hex(const char *hex)
{
    size_t length = strlen(hex);
    struct wire_bytes bytes = {.data = malloc(length / 2 + 1), .size = length / 2};
    for (size_t i = 0; bytes.data && i < length / 2; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            wire_free(&bytes);
        else
            bytes.data[i] = (uint8_t)(high << 4 | low);
    }
    return bytes;
}

struct wire_bytes wire_from_file(const char *path)
{
    struct wire_bytes bytes = {0};
    FILE *file = fopen(path, "rb");
    if (!file)
        return bytes;
    long size = -1;
    if (fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size >= 0 && fseek(file, 0, SEEK_SET) == 0)
        bytes = (struct wire_bytes){.data = malloc((size_t)size + 1), .size = (size_t)size};
    if (bytes.data && fread(bytes.data, 1, bytes.size, file) != bytes.size)
        wire_free(&bytes);
    fclose(file);
    return bytes;
}

int wire_status(const struct wire_bytes *message)
{
    if (message->size == 0 || message->data[0] != 0x08)
        return message->size == 0 ? 0 : -1;
    int status = 0;
    for (size_t i = 1, shift = 0; i < message->size && shift < 28; i++, shift += 7) {
        status |= (message->data[i] & 0x7f) << shift;
        if (!(message->data[i] & 0x80))
            return status;
    }
    return -1;
}
