/* SPDX-License-Identifier: MIT */
/* blast: one load generator for every server under comparison, so that only the server differs.
 *
 *   blast PROTO OP PORT PID CONNS DEPTH SECONDS VALUE_LEN [KEYS]
 *     PROTO  kv (4-byte length + protobuf), kvz (the same, messages over 1436 bytes in gzip, JSON-like values),
 *            redis (RESP), memcached (text), http (kvs over HTTP; nginx with a file for each key), echo
 *     OP     get | set
 *     PID    the server's, to read its CPU time from /proc (0: none)
 *
 * Closed loop on one thread: each connection keeps DEPTH requests in flight as one batch, and sends the
 * next batch when the last reply of this one has come. Requests are built before the clock starts; keys
 * are fixed-width so that every reply has a known length. Prints one line of key=value figures. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { POOL = 4096 };
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static double cpu_of(int pid) {
    char path[64], buf[1024]; unsigned long u, s;
    if (!pid) return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = fopen(path, "r"); if (!f) return 0;
    size_t n = fread(buf, 1, sizeof buf - 1, f); buf[n] = 0; fclose(f);
    char *p = strrchr(buf, ')');
    if (sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &s) != 2) return 0;
    return (double)(u + s) / sysconf(_SC_CLK_TCK);
}
static size_t varint(uint8_t *p, uint64_t v) { size_t n = 0; while (v > 127) { p[n++] = v | 128; v >>= 7; } p[n++] = v; return n; }
static size_t field(uint8_t *p, int num, const void *d, size_t len) { size_t n = varint(p, num << 3 | 2); n += varint(p + n, len); memcpy(p + n, d, len); return n + len; }

static char value[1 << 20]; static size_t vlen;
static uint8_t *req[POOL]; static size_t req_len[POOL], rlen, replen; /* rlen: the longest */

static void build(const char *proto, const char *op, long keys) {
    int set = !strcmp(op, "set");
    rlen = 0;
    uint8_t *a = malloc(vlen + 512), *b = malloc(vlen + 512), *c = malloc(vlen + 512);
    uint32_t x = 12345;
    for (int i = 0; i < POOL; i++) {
        char key[32]; x = x * 1664525u + 1013904223u;
        snprintf(key, sizeof key, "key:%010ld", (long)((x >> 4) % keys));
        size_t n = 0;
        if (!strncmp(proto, "kv", 2)) {
            size_t v = field(a, 1, value, vlen), p;              /* Value.string */
            if (set) { p = field(b, 1, key, 14); p += field(b + p, 2, a, v);            /* Kvpair */
                       n = field(c, 1, "table1", 6); n += field(c + n, 2, b, p);        /* Hset */
                       n = field(a, 4, c, n); }
            else     { n = field(c, 1, "table1", 6); n += field(c + n, 2, key, 14); n = field(a, 1, c, n); }
            req[i] = malloc(n + 512); uint32_t h = n;
            if (proto[2] == 'z' && n > 1436) {
                z_stream z = { 0 }; deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0); z.next_in = a; z.avail_in = n; z.next_out = req[i] + 4; z.avail_out = n + 508;
                deflate(&z, Z_FINISH); n = z.total_out; deflateEnd(&z); h = n | 1u << 31;
            } else memcpy(req[i] + 4, a, n);
            h = htonl(h); memcpy(req[i], &h, 4); n += 4;
            size_t vb = field(b, 1, value, vlen);                 /* reply: 08 c8 01 + values{Value} */
            replen = 4 + 3 + field(c, 3, b, vb);
        } else if (!strcmp(proto, "redis")) {
            req[i] = malloc(vlen + 256);
            if (set) { n = sprintf((char *)req[i], "*4\r\n$4\r\nHSET\r\n$6\r\ntable1\r\n$14\r\n%s\r\n$%zu\r\n", key, vlen); memcpy(req[i] + n, value, vlen); n += vlen; memcpy(req[i] + n, "\r\n", 2); n += 2; replen = 4; }
            else { n = sprintf((char *)req[i], "*3\r\n$4\r\nHGET\r\n$6\r\ntable1\r\n$14\r\n%s\r\n", key); char t[32]; replen = sprintf(t, "$%zu\r\n", vlen) + vlen + 2; }
        } else if (!strcmp(proto, "memcached")) {
            req[i] = malloc(vlen + 256);
            if (set) { n = sprintf((char *)req[i], "set %s 0 0 %zu\r\n", key, vlen); memcpy(req[i] + n, value, vlen); n += vlen; memcpy(req[i] + n, "\r\n", 2); n += 2; replen = 8; }
            else { n = sprintf((char *)req[i], "get %s\r\n", key); char t[64]; replen = sprintf(t, "VALUE %s 0 %zu\r\n", key, vlen) + vlen + 2 + 5; }
        } else if (!strcmp(proto, "http")) {
            req[i] = malloc(vlen + 256);
            n = sprintf((char *)req[i], "%s /v1/tables/table1/keys/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n", set ? "PUT" : "GET", key);
            n += sprintf((char *)req[i] + n, set ? "Content-Length: %zu\r\n\r\n" : "\r\n", vlen);
            if (set) { memcpy(req[i] + n, value, vlen); n += vlen; }
        } else { req[i] = malloc(vlen + 4); uint32_t h = htonl(vlen); memcpy(req[i], &h, 4); memcpy(req[i] + 4, value, vlen); n = vlen + 4; replen = n; }
        req_len[i] = n; if (n > rlen) rlen = n;
    }
}
/* Every key of the pool is set once before the clock starts, so that each reply has its steady length. Only kv
 * replies need parsing: a first HSET answers shorter than the ones after it. */
static int dial(int port) {
    struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (void *)&sa, sizeof sa)) { perror("connect"); exit(1); }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}
static void full(int fd, void *p, size_t n) { for (size_t o = 0; o < n;) { ssize_t r = read(fd, (char *)p + o, n - o); if (r <= 0) { fprintf(stderr, "prefill: closed\n"); exit(1); } o += r; } }
/* Reads an HTTP reply of any length. Returns its length. */
static size_t full_http(int fd, uint8_t *in) {
    size_t n = 0; char *l;
    do full(fd, in + n++, 1); while (n < 4 || memcmp(in + n - 4, "\r\n\r\n", 4));
    in[n] = 0; l = strstr((char *)in, "Content-Length: ");
    if (l) { size_t body = atol(l + 16); full(fd, in + n, body); n += body; }
    return n;
}
static void prefill(const char *proto, int port) {
    int fd = dial(port); static uint8_t in[1 << 21];
    /* Some at once, for a server that answers when they are on disk; they fit into the socket's buffer. */
    int few = rlen < 2048 ? 64 : 1;
    for (int i = 0; i < POOL; i++) {
        for (int k = i; i % few == 0 && k < i + few; k++)
            if (write(fd, req[k], req_len[k]) != (ssize_t)req_len[k]) { perror("prefill"); exit(1); }
        if (!strncmp(proto, "kv", 2)) { uint32_t h; full(fd, &h, 4); full(fd, in, ntohl(h) & 0x7fffffff); }
        else if (!strcmp(proto, "redis")) full(fd, in, 4);
        else if (!strcmp(proto, "http")) full_http(fd, in);
        else full(fd, in, 8);
    }
    close(fd);
}
/* The length of a reply that the server may compress: asked once. */
static void probe(const char *proto, int port) {
    int fd = dial(port); static uint8_t in[1 << 21]; uint32_t h;
    if (write(fd, req[0], req_len[0]) != (ssize_t)req_len[0]) { perror("probe"); exit(1); }
    if (!strcmp(proto, "http")) { replen = full_http(fd, in); close(fd); return; }
    full(fd, &h, 4); replen = 4 + (ntohl(h) & 0x7fffffff); full(fd, in, replen - 4); close(fd);
}
struct conn { int fd; uint8_t *out; size_t olen, opos, want; double t0; int next; };
static uint8_t sink[1 << 20];
static float *lat; static size_t nlat, caplat;

static void fill(struct conn *c, int depth) {
    c->olen = 0; c->opos = 0;
    for (int i = 0; i < depth; i++) { memcpy(c->out + c->olen, req[c->next], req_len[c->next]); c->olen += req_len[c->next]; c->next = (c->next + 1) % POOL; }
    c->want = replen * depth; c->t0 = now();
}
static int cmpf(const void *a, const void *b) { float x = *(float *)a, y = *(float *)b; return x < y ? -1 : x > y; }

int main(int argc, char **argv) {
    if (argc < 9) { fprintf(stderr, "blast PROTO OP PORT PID CONNS DEPTH SECONDS VALUE_LEN [KEYS]\n"); return 2; }
    int port = atoi(argv[3]), pid = atoi(argv[4]), nc = atoi(argv[5]), depth = atoi(argv[6]); double secs = atof(argv[7]);
    vlen = atol(argv[8]); long keys = argc > 9 ? atol(argv[9]) : 1000; uint32_t x = 99;
    if (!strcmp(argv[1], "kvz")) {
        for (size_t p = 0; p < vlen;) {
            char line[128]; x = x * 1664525u + 1013904223u;
            int k = snprintf(line, sizeof line, "{\"id\":%u,\"name\":\"user-%u\",\"score\":%u.%02u,\"tags\":[\"a\",\"b%u\"]},", x >> 15, (x >> 9) % 5000, (x >> 7) % 1000, (x >> 5) % 100, (x >> 20) % 9);
            if (p + k > vlen) k = vlen - p;
            memcpy(value + p, line, k); p += k;
        }
    } else for (size_t i = 0; i < vlen; i++) { x = x * 1664525u + 1013904223u; value[i] = "abcdefghijklmnopqrstuvwxyz0123456789+-"[(x >> 16) % 38]; }
    if (strcmp(argv[1], "echo")) { build(argv[1], "set", keys); prefill(argv[1], port); }
    build(argv[1], argv[2], keys);
    if (!strcmp(argv[1], "kvz") || !strcmp(argv[1], "http")) probe(argv[1], port);
    int ep = epoll_create1(0); struct conn *cs = calloc(nc, sizeof *cs); caplat = 1 << 22; lat = malloc(caplat * sizeof *lat);
    for (int i = 0; i < nc; i++) {
        cs[i].fd = dial(port); fcntl(cs[i].fd, F_SETFL, O_NONBLOCK);
        cs[i].out = malloc(rlen * depth); cs[i].next = (i * 37) % POOL;
        struct epoll_event e = { .events = EPOLLIN, .data.u32 = i }; epoll_ctl(ep, EPOLL_CTL_ADD, cs[i].fd, &e);
        fill(&cs[i], depth);
        while (cs[i].opos < cs[i].olen) { ssize_t w = write(cs[i].fd, cs[i].out + cs[i].opos, cs[i].olen - cs[i].opos); if (w > 0) cs[i].opos += w; else if (errno == EAGAIN) { struct epoll_event m = { .events = EPOLLIN | EPOLLOUT, .data.u32 = i }; epoll_ctl(ep, EPOLL_CTL_MOD, cs[i].fd, &m); break; } }
    }
    double warm = now() + secs * 0.2, t0 = 0, end = warm + secs, c0 = 0; uint64_t done = 0; struct rusage r0, r1;
    for (;;) {
        struct epoll_event ev[64]; int n = epoll_wait(ep, ev, 64, 1000); double t = now();
        if (!t0 && t > warm) { t0 = t; done = 0; c0 = cpu_of(pid); getrusage(RUSAGE_SELF, &r0); nlat = 0; }
        if (t > end) break;
        if (n == 0) { fprintf(stderr, "stalled\n"); return 1; }
        for (int k = 0; k < n; k++) {
            struct conn *c = &cs[ev[k].data.u32];
            if (ev[k].events & EPOLLIN) {
                ssize_t r = read(c->fd, sink, sizeof sink);
                if (r <= 0) { if (r < 0 && errno == EAGAIN) continue; fprintf(stderr, "closed by server\n"); return 1; }
                if ((size_t)r > c->want) { fprintf(stderr, "reply longer than expected (%zd > %zu): %02x %02x %02x %02x\n", r, c->want, sink[0], sink[1], sink[2], sink[3]); return 1; }
                c->want -= r;
                if (c->want == 0) { done += depth; if (nlat < caplat) lat[nlat++] = now() - c->t0; fill(c, depth); }
                else if (c->opos == c->olen) continue;
            }
            while (c->opos < c->olen) {
                ssize_t w = write(c->fd, c->out + c->opos, c->olen - c->opos);
                if (w > 0) { c->opos += w; continue; }
                struct epoll_event m = { .events = EPOLLIN | EPOLLOUT, .data.u32 = ev[k].data.u32 }; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &m); goto next;
            }
            if (ev[k].events & EPOLLOUT) { struct epoll_event m = { .events = EPOLLIN, .data.u32 = ev[k].data.u32 }; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &m); }
        next:;
        }
    }
    double el = now() - t0, sc = cpu_of(pid) - c0; getrusage(RUSAGE_SELF, &r1);
    double cc = (r1.ru_utime.tv_sec - r0.ru_utime.tv_sec) + (r1.ru_stime.tv_sec - r0.ru_stime.tv_sec) + (r1.ru_utime.tv_usec - r0.ru_utime.tv_usec + r1.ru_stime.tv_usec - r0.ru_stime.tv_usec) * 1e-6;
    qsort(lat, nlat, sizeof *lat, cmpf);
    printf("proto=%s op=%s conns=%d depth=%d vlen=%zu rps=%.0f server_us_per_req=%.3f client_us_per_req=%.3f batch_p50_us=%.0f p99=%.0f p999=%.0f\n", argv[1], argv[2], nc, depth, vlen, done / el, sc / done * 1e6, cc / done * 1e6, nlat ? lat[nlat / 2] * 1e6 : 0, nlat ? lat[nlat * 99 / 100] * 1e6 : 0, nlat ? lat[nlat * 999 / 1000] * 1e6 : 0);
    return 0;
}
