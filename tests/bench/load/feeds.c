/* SPDX-License-Identifier: MIT
 *
 * Publishes to many subscribers, and prints what that costs the server: the CPU time per message delivered. Knows no
 * protocol; feeds.py says what bytes are sent and how many come back.
 *
 *     feeds PORT SUBSCRIBERS ROUNDS DELIVERED SUBSCRIBE REPLY PUBLISH PUBLISHED MESSAGE PID
 *
 * Each subscriber sends SUBSCRIBE and reads REPLY bytes, or with 0 a frame behind a length of 4 bytes. A round sends PUBLISH, whose answer has PUBLISHED bytes, and
 * ends when each subscriber has MESSAGE bytes more, which are DELIVERED messages. SUBSCRIBE and PUBLISH are in hex. PID
 * is the server's; 0: a bare loop of epoll and write(2) in a child, which sends MESSAGE bytes to all subscribers for any
 * byte of the publisher, and PUBLISHED bytes to it.
 *
 *     feeds hold PORT SUBSCRIBERS STALLED SUBSCRIBE
 *
 * Prints a line once all have subscribed, and reads what comes until its input ends. Those that stalled never read. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, BUFFER = 1 << 20 };

static uint8_t buffer[BUFFER];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int dial(uint16_t port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        fail("connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* So many connections would use up the ports if each lingered. */
    const struct linger reset = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd;
}

static void send_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0)
            fail("write");
        bytes += n;
        size -= (size_t)n;
    }
}

static void receive(int fd, size_t size)
{
    while (size > 0) {
        ssize_t n = read(fd, buffer, size < BUFFER ? size : BUFFER);
        if (n <= 0)
            fail("read");
        size -= (size_t)n;
    }
}

static void receive_frame(int fd)
{
    receive(fd, 4);
    receive(fd, (size_t)buffer[2] << 8 | buffer[3]);
}

static size_t from_hex(const char *text, uint8_t **bytes)
{
    size_t size = strlen(text) / 2;
    *bytes = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        sscanf(text + 2 * i, "%2x", &byte);
        (*bytes)[i] = (uint8_t)byte;
    }
    return size;
}

/* The CPU time of a process, in nanoseconds. */
static uint64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
        fail("the clock of the server");
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* The first that connects is the publisher. */
static void bare(int listener, size_t subscribers, size_t published, size_t message)
{
    int *fds = calloc(subscribers + 1, sizeof *fds), poll = epoll_create1(0);
    size_t count = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    uint8_t *bytes = calloc(1, message + published + 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd, on = 1;
            if (fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                fds[count++] = fd;
                event.data.fd = fd;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
                continue;
            }
            uint8_t got[65536];
            ssize_t size = read(fd, got, sizeof got);
            if (size <= 0) {
                close(fd);
                continue;
            }
            if (fd != fds[0] || size < 2) {
                (void)!write(fd, bytes, 1);
                continue;
            }
            for (size_t k = 1; k < count; k++)
                if (write(fds[k], bytes, message) != (ssize_t)message)
                    fail("bare write");
            (void)!write(fd, bytes, published);
        }
    }
}

/* Subscribes. With reply 0 the answer is a frame. */
static int subscribe_one(uint16_t port, const uint8_t *subscribe, size_t size, size_t reply)
{
    int fd = dial(port);
    send_all(fd, subscribe, size);
    if (reply == 0)
        receive_frame(fd);
    else
        receive(fd, reply);
    return fd;
}

static int hold(char **argv)
{
    size_t subscribers = (size_t)atoi(argv[3]), stalled = (size_t)atoi(argv[4]);
    uint8_t *subscribe;
    size_t size = from_hex(argv[5], &subscribe);
    int poll = epoll_create1(0), small = 4096;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = STDIN_FILENO}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    for (size_t i = 0; i < subscribers; i++) {
        event.data.fd = subscribe_one((uint16_t)atoi(argv[2]), subscribe, size, 0);
        if (i < stalled)
            (void)setsockopt(event.data.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        else
            epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
    }
    puts("ready");
    (void)fflush(stdout);
    for (;;) {
        int n = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (read(events[i].data.fd, buffer, BUFFER) > 0)
                continue;
            if (events[i].data.fd == STDIN_FILENO)
                return 0;
            fail("a subscriber");
        }
    }
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "hold") == 0)
        return hold(argv);
    if (argc != 11) {
        fputs("usage: feeds PORT SUBSCRIBERS ROUNDS DELIVERED SUBSCRIBE REPLY PUBLISH PUBLISHED MESSAGE PID\n",
              stderr);
        return 2;
    }
    uint16_t port = (uint16_t)atoi(argv[1]);
    size_t subscribers = (size_t)atoi(argv[2]), rounds = (size_t)atoi(argv[3]);
    double delivered = atof(argv[4]);
    uint8_t *subscribe, *publish;
    size_t subscribe_size = from_hex(argv[5], &subscribe), reply = (size_t)atoi(argv[6]);
    size_t publish_size = from_hex(argv[7], &publish), published = (size_t)atoi(argv[8]);
    size_t message = (size_t)atoi(argv[9]);
    pid_t pid = atoi(argv[10]);
    if (pid == 0) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof any;
        int listener = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(listener, (struct sockaddr *)&any, length) < 0 || listen(listener, 4096) < 0 ||
            getsockname(listener, (struct sockaddr *)&any, &length) < 0)
            fail("listen");
        port = ntohs(any.sin_port);
        pid = fork();
        if (pid == 0)
            bare(listener, subscribers, published, message);
        close(listener);
        subscribe_size = reply = 1;
    }
    int poll = epoll_create1(0), publisher = dial(port);
    struct epoll_event events[EVENTS];
    for (size_t i = 0; i < subscribers; i++) {
        int fd = subscribe_one(port, subscribe, subscribe_size, reply);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
    uint64_t begin = 0;
    struct timespec from, to;
    for (size_t round = 0; round < rounds + 2; round++) {
        if (round == 2) { /* those before warm up */
            begin = cpu_of(pid);
            clock_gettime(CLOCK_MONOTONIC, &from);
        }
        send_all(publisher, publish, publish_size);
        size_t left = subscribers * message;
        while (left > 0) {
            int n = epoll_wait(poll, events, EVENTS, -1);
            for (int i = 0; i < n; i++) {
                ssize_t size = read(events[i].data.fd, buffer, BUFFER);
                if (size <= 0 || (size_t)size > left)
                    fail("a subscriber");
                left -= (size_t)size;
            }
        }
        receive(publisher, published);
    }
    uint64_t cpu = cpu_of(pid) - begin;
    clock_gettime(CLOCK_MONOTONIC, &to);
    double count = (double)rounds * (double)subscribers * delivered;
    double wall = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
    printf("%.4f %.0f\n", (double)cpu / 1000.0 / count, count / wall);
    return 0;
}
