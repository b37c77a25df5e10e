/* SPDX-License-Identifier: MIT */
/* echo_limit: the floor under every server here. A bare epoll loop that reads what is there, and writes it
 * back: no framing, no parsing, no store. What it costs a request is what the kernel and loopback cost.
 *   echo_limit PORT [THREADS]   (SO_REUSEPORT, one loop a thread) */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
static int port;
static void *loop(void *arg) {
    int one = 1, ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), ep = epoll_create1(0); static __thread char buf[65536];
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(ls, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(ls, (void *)&sa, sizeof sa) || listen(ls, 512)) { perror("bind"); exit(1); }
    struct epoll_event e = { .events = EPOLLIN, .data.fd = ls }, ev[64]; epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
    for (;;) { int n = epoll_wait(ep, ev, 64, -1);
        for (int i = 0; i < n; i++) {
            if (ev[i].data.fd == ls) { int fd = accept4(ls, 0, 0, SOCK_NONBLOCK); if (fd < 0) continue; setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); e.data.fd = fd; epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e); continue; }
            ssize_t r = read(ev[i].data.fd, buf, sizeof buf); if (r <= 0) { close(ev[i].data.fd); continue; }
            for (ssize_t o = 0; o < r;) { ssize_t w = write(ev[i].data.fd, buf + o, r - o); if (w > 0) o += w; }
        } }
    return arg;
}
int main(int argc, char **argv) { port = atoi(argv[1]); int t = argc > 2 ? atoi(argv[2]) : 1; pthread_t th; for (int i = 1; i < t; i++) pthread_create(&th, 0, loop, 0); loop(0); }
