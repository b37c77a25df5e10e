/* SPDX-License-Identifier: MIT */
#include "shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/units.h"
#include "core/dialer.h"

enum {
    DEFAULT_PORT = 6379,
    DEFAULT_ACK_MS = 1000,
    MOST_REPLICAS = 16,
    MOST_ACK_MS = 3600 * 1000,
    PASSWORD_MAX = 512,
    MOST_DATABASES = 1 << 16,
    TAIL_MAX = REDIS_URL_MAX - REDIS_NAME_MAX - 16,
};

void kv_redis_note_trouble(const struct redis_shared *shared, const char *node, const char *why)
{
    if (shared->trouble)
        snprintf(shared->trouble, REDIS_TROUBLE_MAX, "%.100s: %.200s", node, why);
}

unsigned kv_redis_database(const struct redis_shared *shared)
{
    return shared->database;
}

static int refuse(const struct redis_shared *shared, const char *what, const char *text,
                  struct weft_error *error)
{
    return weft_error_set(error, WEFT_ECONFIG, "%s store: '%.200s': %s",
                          kv_redis_store_name(shared), text, what);
}

/* Reads HOST[:PORT], with an IPv6 address in brackets, from text, which ends at `size`. */
static int read_seed(struct redis_shared *shared, const char *text, size_t size,
                     struct weft_error *error)
{
    char copy[REDIS_NAME_MAX], *host = copy, *port = NULL;
    uint64_t number = DEFAULT_PORT;

    snprintf(copy, sizeof copy, "%.*s", (int)size, text);
    if (size >= sizeof copy)
        return refuse(shared, "the name of a host is too long", copy, error);
    if (*host == '[') {
        host++;
        port = strchr(host, ']');
        if (!port || (port[1] != '\0' && port[1] != ':'))
            return refuse(shared, "an IPv6 address is in brackets, as [::1]:6379", text, error);
        *port++ = '\0';
        port = *port == ':' ? port + 1 : NULL;
    } else {
        port = strchr(host, ':');
        if (port)
            *port++ = '\0';
    }
    if (*host == '\0' || strcspn(host, "/@%?&\\ \t\r\n") != strlen(host) ||
        strlen(host) >= REDIS_HOST_MAX)
        return refuse(shared, "it is HOST:PORT, and more with a comma between", text, error);
    if (port && (weft_parse_count(port, &number) < 0 || number == 0 || number > UINT16_MAX))
        return refuse(shared, "a port is a number from 1 to 65535", text, error);
    if (shared->seed_count == REDIS_SEEDS_MAX)
        return refuse(shared, "more than 64 nodes; a few are enough to find the others", text,
                      error);
    struct redis_seed *seed = &shared->seeds[shared->seed_count++];
    memcpy(seed->host, host, strlen(host) + 1);
    seed->port = (uint16_t)number;
    return 0;
}

/* Reads the "/DATABASE" of a single node. */
static int read_database(struct redis_shared *shared, const char *slash, struct weft_error *error)
{
    uint64_t number = 0;

    if (slash[1] == '\0')
        return 0;
    if (!shared->single)
        return refuse(shared, "a cluster has no databases", slash, error);
    if (weft_parse_count(slash + 1, &number) < 0 || number >= MOST_DATABASES)
        return refuse(shared, "a database is a number, as in redis://HOST:PORT/1", slash, error);
    shared->database = (unsigned)number;
    return 0;
}

static int read_where(struct redis_shared *shared, const char *where, struct weft_error *error)
{
    int err = 0;

    if (!where || strncmp(where, "//", 2) != 0)
        return weft_error_set(error, WEFT_ECONFIG, "%s store: the form is %s://HOST:PORT%s",
                              kv_redis_store_name(shared), kv_redis_store_name(shared),
                              shared->single ? "[/DATABASE]" : ",HOST:PORT...");
    const char *at = where + 2, *slash = strchr(at, '/');
    const char *end = slash ? slash : at + strlen(at);
    while (err == 0) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        err = read_seed(shared, at, (size_t)(stop - at), error);
        if (!comma)
            break;
        at = comma + 1;
    }
    if (err == 0 && shared->single && shared->seed_count > 1)
        return refuse(shared, "several nodes are a cluster, which is redis-cluster://", where,
                      error);
    return err == 0 && slash ? read_database(shared, slash, error) : err;
}

/* Reads "replica", "replica(N)" or "replica(N,MS)". */
static bool read_replicas(struct redis_shared *shared, const char *text)
{
    unsigned count = 1, ms = DEFAULT_ACK_MS;
    char end = '\0', behind = '\0';

    if (strcmp(text, "replica") != 0 &&
        !(sscanf(text, "replica(%5u%c%c", &count, &end, &behind) == 2 && end == ')') &&
        !(sscanf(text, "replica(%5u,%7u%c%c", &count, &ms, &end, &behind) == 3 && end == ')'))
        return false;
    shared->ack_replicas = count;
    shared->ack_ms = ms;
    return count >= 1 && count <= MOST_REPLICAS && ms >= 1 && ms <= MOST_ACK_MS;
}

static int read_ack(struct redis_shared *shared, const char *text, struct weft_error *error)
{
    shared->ack = shared->single ? REDIS_ACK_MASTER : REDIS_ACK_REPLICA;
    shared->ack_replicas = 1;
    shared->ack_ms = DEFAULT_ACK_MS;
    if (!text)
        return 0;
    if (strcmp(text, "master") == 0) {
        shared->ack = REDIS_ACK_MASTER;
        return 0;
    }
    if (strcmp(text, "fsync") == 0) {
        shared->ack = REDIS_ACK_FSYNC;
        return 0;
    }
    shared->ack = REDIS_ACK_REPLICA;
    if (read_replicas(shared, text))
        return 0;
    return refuse(
        shared,
        "ack is master, replica, replica(N), replica(N,MILLISECONDS) or fsync; N is 1 to 16", text,
        error);
}

static int read_time(const struct redis_shared *shared, const char *text, int64_t *time,
                     uint64_t otherwise, struct weft_error *error)
{
    uint64_t number = otherwise;

    if (text && (weft_parse_seconds(text, &number) < 0 || number < WEFT_SECONDS(1) / 1000 ||
                 number > WEFT_SECONDS(3600)))
        return refuse(shared, "a time is 0.001 to 3600 seconds", text, error);
    *time = (int64_t)number;
    return 0;
}

static int read_limits(struct redis_shared *shared, const struct weft_option_set *set,
                       struct weft_error *error)
{
    enum { DEFAULT_CALLS = 32768, MOST_CALLS = 1 << 24 };
    const char *calls = weft_option_get(set, "max-calls");
    uint64_t number = DEFAULT_CALLS;
    int err = read_time(shared, weft_option_get(set, "timeout"), &shared->timeout, WEFT_SECONDS(4),
                        error);

    if (err == 0)
        err = read_time(shared, weft_option_get(set, "connect-timeout"), &shared->connect_timeout,
                        WEFT_SECONDS(2), error);
    if (err < 0)
        return err;
    if (calls && (weft_parse_count(calls, &number) < 0 || number < 2 || number > MOST_CALLS))
        return refuse(shared, "max-calls is 2 to 16777216", calls, error);
    shared->max_calls = (size_t)number;
    return 0;
}

/* Reads the first line of a file, which is read once: whoever may read the memory of this process has it anyway. */
static int read_password(struct redis_shared *shared, const char *file, struct weft_error *error)
{
    char text[PASSWORD_MAX + 2];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    int err = size < 0 ? -errno : 0;

    if (fd >= 0)
        close(fd);
    if (err < 0)
        return weft_error_set(error, err, "%s store: cannot read the password in %s: %s",
                              kv_redis_store_name(shared), file, weft_strerror(err));
    text[size] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    size_t length = strlen(text);
    if (length > 0 && length <= PASSWORD_MAX)
        shared->password = weft_malloc(length + 1);
    if (shared->password)
        memcpy(shared->password, text, length + 1);
    explicit_bzero(text, sizeof text);
    if (length == 0 || length > PASSWORD_MAX)
        return refuse(shared, "the first line of the file is the password, of 1 to 512 bytes", file,
                      error);
    return shared->password ? 0 : weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
}

static int read_login(struct redis_shared *shared, const struct weft_option_set *set,
                      struct weft_error *error)
{
    const char *user = weft_option_get(set, "user"), *file = weft_option_get(set, "password-file");

    if (user && !file)
        return refuse(shared, "a user needs password-file=FILE", user, error);
    if (user) {
        shared->user = weft_malloc(strlen(user) + 1);
        if (!shared->user)
            return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
        memcpy(shared->user, user, strlen(user) + 1);
    }
    return file ? read_password(shared, file, error) : 0;
}

/* Appends value with each byte that a URL does not have as it is as %XX. Returns the bytes, without the NUL. */
static size_t escape(char *dst, size_t room, const char *value)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t size = 0;

    for (; *value && size + 4 < room; value++) {
        unsigned char c = (unsigned char)*value;
        bool plain = c > ' ' && c < 0x7f && !strchr("%&?#", c);
        if (plain) {
            dst[size++] = (char)c;
        } else {
            dst[size++] = '%';
            dst[size++] = digits[c >> 4];
            dst[size++] = digits[c & 15];
        }
    }
    dst[size] = '\0';
    return size;
}

/* The options of tls become those of each node's URL. */
static int read_tls(struct redis_shared *shared, const struct weft_option_set *set,
                    struct weft_error *error)
{
    static const char *const names[] = {"ca", "cert", "key", "name", "crl", "min"};
    const char *tls = weft_option_get(set, "tls");
    size_t used = 0;

    if (tls && strcmp(tls, "on") != 0 && strcmp(tls, "off") != 0)
        return refuse(shared, "tls is on or off", tls, error);
    shared->tls = tls && strcmp(tls, "on") == 0;
    shared->tail = weft_calloc(1, TAIL_MAX);
    if (!shared->tail)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = weft_option_get(set, names[i]);
        if (value && !shared->tls)
            return refuse(shared, "this option needs tls=on", names[i], error);
        if (!value)
            continue;
        used += (size_t)snprintf(shared->tail + used, TAIL_MAX - used, "%c%s=", used ? '&' : '?',
                                 names[i]);
        used += escape(shared->tail + used, TAIL_MAX - used, value);
    }
    return 0;
}

void kv_redis_url(const struct redis_shared *shared, const char *host, uint16_t port, char *dst,
                  size_t size)
{
    const bool is_ipv6 = strchr(host, ':');

    snprintf(dst, size, "%s://%s%s%s:%u%s", shared->tls ? "tls+tcp" : "tcp", is_ipv6 ? "[" : "",
             host, is_ipv6 ? "]" : "", (unsigned)port, shared->tail);
}

/* Tells at the start what would go wrong with every node: no transport, a file that cannot be read. */
static int try_seed(const struct redis_shared *shared, struct weft_error *error)
{
    char url[REDIS_URL_MAX];
    struct weft_dialer *dialer;

    kv_redis_url(shared, shared->seeds[0].host, shared->seeds[0].port, url, sizeof url);
    int err = weft_dialer_new(&dialer, shared->registry, url, error);
    weft_dialer_free(dialer);
    return err;
}

int kv_redis_shared_new(struct redis_shared **result, const struct kv_store_options *options,
                        bool single, struct weft_error *error)
{
    *result = NULL;
    struct redis_shared *shared = weft_calloc(1, sizeof *shared);
    if (!shared)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    shared->single = single;
    shared->log = options->log;
    shared->registry = options->registry;
    int err = read_where(shared, options->where, error);
    if (err == 0)
        err = read_ack(shared, weft_option_get(options->set, "ack"), error);
    if (err == 0)
        err = read_limits(shared, options->set, error);
    if (err == 0)
        err = read_login(shared, options->set, error);
    if (err == 0)
        err = read_tls(shared, options->set, error);
    if (err == 0 && !shared->registry)
        err = weft_error_set(error, WEFT_ECONFIG,
                             "%s store: this program gives its stores no way to connect",
                             kv_redis_store_name(shared));
    if (err == 0)
        err = try_seed(shared, error);
    if (err < 0) {
        kv_redis_shared_free(shared);
        return err;
    }
    *result = shared;
    return 0;
}

void kv_redis_shared_free(struct redis_shared *shared)
{
    if (!shared)
        return;
    struct redis_counts *counts = atomic_load(&shared->counts);
    while (counts) {
        struct redis_counts *next = counts->next;
        weft_free(counts);
        counts = next;
    }
    if (shared->password)
        explicit_bzero(shared->password, strlen(shared->password));
    weft_free(shared->password);
    weft_free(shared->user);
    weft_free(shared->tail);
    weft_free(shared);
}

/* The list only grows while loops start, so whoever collects sees a whole one at any time. */
struct redis_counts *kv_redis_counts_new(struct redis_shared *shared)
{
    struct redis_counts *counts = weft_calloc(1, sizeof *counts);

    if (!counts)
        return NULL;
    counts->next = atomic_load(&shared->counts);
    atomic_store_explicit(&shared->counts, counts, memory_order_release);
    return counts;
}

int64_t kv_redis_timeout(const struct redis_shared *shared)
{
    return shared->timeout;
}

void kv_redis_collect(struct redis_shared *shared, struct weft_samples *samples)
{
    const struct redis_counts *first = atomic_load_explicit(&shared->counts, memory_order_acquire);

#define X(field, metric, unit, help, kind)                                                         \
    {                                                                                              \
        static const struct weft_metric of_##field = {metric, unit, help, kind};                   \
        uint64_t sum = 0;                                                                          \
        for (const struct redis_counts *counts = first; counts; counts = counts->next)             \
            sum += atomic_load_explicit(&counts->field, memory_order_relaxed);                     \
        weft_samples_add(samples, &of_##field, NULL, 0, (double)sum);                              \
    }
    REDIS_COUNT_MAP(X)
#undef X
}
