/* SPDX-License-Identifier: MIT
 *
 * Every gzip engine that is here: a Markdown row for each size, content, engine and level, and one
 * for inflating, in microseconds of CPU time a message, the best of some rounds. docs/performance.md
 * has what it printed. Each message is another piece of the content: one that is repeated trains the
 * branch predictor, and looks twice as fast as it is. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codecs/compress/gzip_engine.h"

enum { CONTENT_SIZE = 16 << 20, PIECES_MAX = 512, ROUNDS = 5 };
static const double round_seconds = 0.05;

struct engine {
    const char *name;
    const struct weft__gzip_engine *engine;
    int levels[5]; /* ended by 0 */
};

static const struct engine engines[] = {
    {"zlib", &weft__gzip_zlib, {1, 3, 6, 9}},
#ifdef WEFT_BENCH_LIBDEFLATE
    {"libdeflate", &weft__gzip_libdeflate, {1, 4, 6, 9}},
#endif
#ifdef WEFT_BENCH_ISAL
    {"ISA-L", &weft__gzip_isal, {1, 2, 3}},
#endif
};
enum { ENGINES = sizeof engines / sizeof *engines };

/* The pieces of one size, and what one engine has made of them. */
struct pieces {
    struct weft_view messages[PIECES_MAX];
    struct weft_bytes deflated[PIECES_MAX];
    size_t count;
};

static void *must(void *p)
{
    if (!p) {
        fputs("gzip_engines: no memory, or an engine failed\n", stderr);
        abort();
    }
    return p;
}

static void fill_json(uint8_t *data, size_t size)
{
    uint32_t x = 99;
    for (size_t at = 0; at < size;) {
        char line[128];
        x = x * 1664525u + 1013904223u;
        size_t n = (size_t)snprintf(
            line, sizeof line,
            "{\"id\":%" PRIu32 ",\"name\":\"user-%" PRIu32 "\",\"score\":%" PRIu32 ".%02" PRIu32
            ",\"tags\":[\"a\",\"b%" PRIu32 "\"]},",
            x >> 15, (x >> 9) % 5000, (x >> 7) % 1000, (x >> 5) % 100, (x >> 20) % 9);
        if (n > size - at)
            n = size - at;
        memcpy(data + at, line, n);
        at += n;
    }
}

static void fill_random(uint8_t *data, size_t size)
{
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < size; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (uint8_t)(x >> 32);
    }
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static size_t deflate_piece(const struct weft__gzip_engine *engine, void **state, int level,
                            struct pieces *pieces, size_t i, uint8_t *out, size_t cap)
{
    ssize_t size = engine->deflate(state, level, pieces->messages[i], out, cap);
    must(size > 0 ? out : NULL);
    return (size_t)size;
}

static void print_row(const char *content, size_t size, const char *name, double seconds,
                      double ratio)
{
    printf("| %zu | %s | %s | %.1f | %.0f | ", size, content, name, seconds * 1e6,
           (double)size / seconds / 1e6);
    if (ratio > 0)
        printf("%.2f |\n", ratio);
    else
        puts("|");
}

static void time_deflate(const char *content, const struct engine *of, int level,
                         struct pieces *pieces, uint8_t *out, size_t cap)
{
    size_t size = pieces->messages[0].size, made = 0;
    char name[64];
    void *state = NULL;
    double best = 1e9;
    for (size_t i = 0; i < pieces->count; i++)
        made += deflate_piece(of->engine, &state, level, pieces, i, out, cap);
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = 0;
        double begin = now(), end;
        do {
            (void)deflate_piece(of->engine, &state, level, pieces, n++ % pieces->count, out, cap);
            end = now();
        } while (end - begin < round_seconds);
        if ((end - begin) / (double)n < best)
            best = (end - begin) / (double)n;
    }
    of->engine->deflater_free(state);
    snprintf(name, sizeof name, "%s %d", of->name, level);
    print_row(content, size, name, best, (double)(size * pieces->count) / (double)made);
}

/* All inflate what zlib has made at level 6. */
static void deflate_all(struct pieces *pieces, uint8_t *out, size_t cap)
{
    void *state = NULL;
    for (size_t i = 0; i < pieces->count; i++) {
        size_t size = deflate_piece(&weft__gzip_zlib, &state, 6, pieces, i, out, cap);
        pieces->deflated[i] = (struct weft_bytes){must(malloc(size)), size};
        memcpy(pieces->deflated[i].data, out, size);
    }
    weft__gzip_zlib.deflater_free(state);
}

static void time_inflate(const char *content, const struct engine *of, const struct pieces *pieces,
                         uint8_t *out)
{
    size_t size = pieces->messages[0].size;
    char name[64];
    void *state = NULL;
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        size_t n = 0;
        double begin = now(), end;
        do {
            const struct weft_bytes *deflated = &pieces->deflated[n++ % pieces->count];
            must(of->engine->inflate(&state, weft_view(deflated->data, deflated->size), out,
                                     size) == WEFT__INFLATED
                     ? out
                     : NULL);
            end = now();
        } while (end - begin < round_seconds);
        if ((end - begin) / (double)n < best)
            best = (end - begin) / (double)n;
    }
    of->engine->inflater_free(state);
    snprintf(name, sizeof name, "%s inflates", of->name);
    print_row(content, size, name, best, 0);
}

static void time_all(const char *content, const uint8_t *data, size_t size)
{
    struct pieces *pieces = must(calloc(1, sizeof *pieces));
    size_t cap = size + size / 8 + 1024;
    uint8_t *out = must(malloc(cap));
    pieces->count = CONTENT_SIZE / size < PIECES_MAX ? CONTENT_SIZE / size : (size_t)PIECES_MAX;
    for (size_t i = 0; i < pieces->count; i++)
        pieces->messages[i] = weft_view(data + i * size, size);
    for (size_t i = 0; i < ENGINES; i++)
        for (const int *level = engines[i].levels; *level; level++)
            time_deflate(content, &engines[i], *level, pieces, out, cap);
    deflate_all(pieces, out, cap);
    for (size_t i = 0; i < ENGINES; i++)
        time_inflate(content, &engines[i], pieces, out);
    for (size_t i = 0; i < pieces->count; i++)
        free(pieces->deflated[i].data);
    free(out);
    free(pieces);
}

int main(void)
{
    static const size_t sizes[] = {1536, 16384, 1 << 20};
    uint8_t *data = must(malloc(CONTENT_SIZE));
    puts("| bytes | content | engine, level | us | MB/s | ratio |\n|---|---|---|---|---|---|");
    for (int random = 0; random < 2; random++) {
        if (random)
            fill_random(data, CONTENT_SIZE);
        else
            fill_json(data, CONTENT_SIZE);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            time_all(random ? "random" : "JSON-like", data, sizes[i]);
    }
    free(data);
    return 0;
}
