/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/units.h"
#include "private.h"

enum { TIMED_DEFAULT = 64, TIMED_MOST = 1 << 20, OBJECT_SIZE = 31 };

struct config {
    struct weft_metrics *metrics;
    uint64_t timed;
};

/* The state of a request in the layer with a slow log. */
struct timed {
    int64_t begun; /* negative: it is looked at, but not counted in the histogram */
    bool asked;
    uint8_t object_size;
    char object[OBJECT_SIZE];
};

static const struct weft_option options[] = {
    {"timed", "1...1048576", "one request in so many is timed (64)"},
    {.name = NULL},
};

static int configure(void *memory, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct config *config = memory;
    const char *text = weft_option_get(set, "timed");
    (void)limits;
    *config = (struct config){context, TIMED_DEFAULT};
    if (!context)
        return weft_error_set(error, WEFT_ECONFIG, "layer metrics: this program counts nothing");
    if (text && (weft_parse_count(text, &config->timed) < 0 || config->timed < 1 ||
                 config->timed > TIMED_MOST))
        return weft_error_set(error, WEFT_ECONFIG, "timed=%s is not a number from 1 to %d", text,
                              TIMED_MOST);
    return 0;
}

static void link_loop(struct weft_metrics *metrics, struct metrics_loop *loop)
{
    loop->next = metrics->loops;
    loop->link = &metrics->loops;
    if (loop->next)
        loop->next->link = &loop->next;
    metrics->loops = loop;
}

static void unlink_loop(struct metrics_loop *loop)
{
    *loop->link = loop->next;
    if (loop->next)
        loop->next->link = loop->link;
}

/* Returns the group of an endpoint, with one loop more, or NULL: no memory. */
static struct metrics_group *join_group(struct weft_metrics *metrics, const void *config)
{
    struct metrics_group *group = metrics->groups;
    while (group && group->config != config)
        group = group->next;
    if (!group) {
        group = weft_calloc(1, sizeof *group);
        if (!group)
            return NULL;
        group->config = config;
        group->stopped.other.tally.action = metrics_other;
        group->next = metrics->groups;
        metrics->groups = group;
    }
    group->running++;
    return group;
}

static int start(void *memory, const void *config_memory, struct weft_loop *loop)
{
    struct metrics_loop *self = memory;
    const struct config *config = config_memory;
    struct weft_metrics *metrics = config->metrics;
    self->metrics = metrics;
    self->loop = loop;
    self->timed = (uint32_t)config->timed;
    self->left = 1;
    self->random = (uint64_t)(uintptr_t)self | 1;
    self->turn = -1;
    self->other.tally.action = metrics_other;
    pthread_mutex_lock(&metrics->lock);
    self->group = join_group(metrics, config);
    if (self->group)
        link_loop(metrics, self);
    pthread_mutex_unlock(&metrics->lock);
    return self->group ? 0 : -ENOMEM;
}

/* Copies a text, cut to size bytes. NULL: an empty one. */
static void copy_text(char *dst, size_t size, const char *text)
{
    size_t length = text ? strnlen(text, size - 1) : 0;
    if (length > 0)
        memcpy(dst, text, length);
    dst[length] = '\0';
}

static void listening(void *memory, const char *endpoint)
{
    struct metrics_loop *self = memory;
    pthread_mutex_lock(&self->metrics->lock);
    copy_text(self->endpoint, sizeof self->endpoint, endpoint);
    pthread_mutex_unlock(&self->metrics->lock);
}

/* --- counting -------------------------------------------------------------------------------------- */

/* Chooses the next request that is timed, at random from 1 to 2 * timed - 1 (xorshift64*). Returns how many requests
 * further it is. */
WEFT_NOINLINE static uint32_t choose_next(struct metrics_loop *self)
{
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    uint64_t high = (self->random * UINT64_C(0x2545f4914f6cdd1d)) >> 32;
    return 1 + (uint32_t)(high % (2 * (uint64_t)self->timed - 1));
}

/* Makes the cell of a slot that is free. */
WEFT_NOINLINE static struct metrics_cell *make_cell(struct metrics_loop *self, size_t slot,
                                                    const char *command, uint32_t status)
{
    if (self->count == METRICS_CELLS)
        return &self->other;
    struct metrics_cell *cell = weft_calloc(1, sizeof *cell);
    if (!cell)
        return &self->other;
    cell->tally.action = command;
    cell->tally.status = status;
    self->count++;
    atomic_store_explicit(&self->cells[slot], cell, memory_order_release);
    return cell;
}

/* A quarter of the slots stays free, so the search ends. */
static struct metrics_cell *find_cell(struct metrics_loop *self, const char *command,
                                      uint32_t status)
{
    size_t slot = ((size_t)(uintptr_t)command + (size_t)status * 31) % METRICS_SLOTS;
    for (;;) {
        struct metrics_cell *cell = atomic_load_explicit(&self->cells[slot], memory_order_relaxed);
        if (!cell)
            return make_cell(self, slot, command, status);
        if (cell->tally.action == command && cell->tally.status == status)
            return cell;
        slot = (slot + 1) % METRICS_SLOTS;
    }
}

/* --- the end of an endpoint ------------------------------------------------------------------------ */

/* Adds what a cell has to that of the same command and status. A histogram is moved where there is none yet. */
static void keep_cell(struct metrics_loop *gone, struct metrics_cell *cell)
{
    const struct weft_tally *tally = &cell->tally;
    struct metrics_cell *to = find_cell(gone, tally->action, tally->status);
    struct weft_histogram *from = atomic_load_explicit(&cell->latency, memory_order_relaxed),
                          *own = atomic_load_explicit(&to->latency, memory_order_relaxed);
    to->tally.requests += tally->requests;
    to->tally.request_bytes += tally->request_bytes;
    to->tally.reply_bytes += tally->reply_bytes;
    if (!own) {
        atomic_store_explicit(&to->latency, from, memory_order_release);
        atomic_store_explicit(&cell->latency, NULL, memory_order_relaxed);
        return;
    }
    for (size_t i = 0; from && i < WEFT_HISTOGRAM_BUCKETS; i++)
        own->counts[i] += from->counts[i];
    own->sum += from ? from->sum : 0;
}

/* Moves all that a loop has counted to another one. */
static void keep_cells(struct metrics_loop *to, struct metrics_loop *from)
{
    for (size_t i = 0; i < METRICS_SLOTS; i++) {
        struct metrics_cell *cell = atomic_load_explicit(&from->cells[i], memory_order_relaxed);
        if (cell)
            keep_cell(to, cell);
    }
    if (from->other.tally.requests > 0)
        keep_cell(to, &from->other);
    metrics_free_cells(from);
}

static void end_group(struct weft_metrics *metrics, struct metrics_group *group)
{
    struct metrics_group **link = &metrics->groups;
    while (*link != group)
        link = &(*link)->next;
    *link = group->next;
    unlink_loop(&group->stopped);
    keep_cells(&metrics->gone, &group->stopped);
    weft_free(group);
}

/* The counts stay, in the end as those of removed endpoints, so that totals do not fall. */
static void stop(void *memory)
{
    struct metrics_loop *self = memory;
    struct weft_metrics *metrics = self->metrics;
    struct metrics_group *group = self->group;
    pthread_mutex_lock(&metrics->lock);
    unlink_loop(self);
    if (!group->stopped.link) {
        link_loop(metrics, &group->stopped);
        copy_text(group->stopped.endpoint, sizeof group->stopped.endpoint, self->endpoint);
    }
    keep_cells(&group->stopped, self);
    if (--group->running == 0)
        end_group(metrics, group);
    pthread_mutex_unlock(&metrics->lock);
}

static struct metrics_cell *count(struct metrics_loop *self, const struct weft_request *request,
                                  uint64_t bytes)
{
    struct metrics_cell *cell = find_cell(self, request->action, request->status);
    weft_tally_count(&cell->tally, request->payload.size, bytes);
    return cell;
}

static uint64_t since(int64_t begun, int64_t now)
{
    return now > begun ? (uint64_t)(now - begun) : 0;
}

static void count_latency(struct metrics_cell *cell, uint64_t duration)
{
    struct weft_histogram *latency = atomic_load_explicit(&cell->latency, memory_order_relaxed);
    if (!latency) {
        latency = weft_calloc(1, sizeof *latency);
        if (!latency)
            return;
        atomic_store_explicit(&cell->latency, latency, memory_order_release);
    }
    weft_histogram_count(latency, duration);
}

/* --- the layer that observes ----------------------------------------------------------------------- */

static int64_t time_one(void *memory, uint32_t *next)
{
    struct metrics_loop *self = memory;
    *next = choose_next(self);
    return self->metrics->clock();
}

static struct weft_tally *observe(void *memory, const struct weft_request *request, uint64_t bytes,
                                  int64_t begun)
{
    struct metrics_loop *self = memory;
    struct metrics_cell *cell = count(self, request, bytes);
    if (begun != 0)
        count_latency(cell, since(begun, self->metrics->clock()));
    return cell == &self->other ? NULL : &cell->tally;
}

const struct weft_layer weft_metrics_layer = {
    .name = "metrics",
    .options = options,
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct metrics_loop),
    .configure = configure,
    .start = start,
    .stop = stop,
    .listening = listening,
    .observe = observe,
    .time = time_one,
};

/* --- the layer with a slow log --------------------------------------------------------------------- */

/* Returns when a request began that is not timed but may turn out to be slow. One that follows another in the same turn
 * begins where that ended, which spares a look at the clock. */
static int64_t begin_slow(const struct metrics_loop *self)
{
    return self->turn == weft_loop_now(self->loop) ? self->ended : self->metrics->clock();
}

static bool begin(void *memory, void *state, struct weft_request *request,
                  struct weft_rejection *why)
{
    struct metrics_loop *self = memory;
    struct timed *own = state;
    (void)request, (void)why;
    if (--self->left == 0) {
        self->left = choose_next(self);
        own->begun = self->metrics->clock();
    } else {
        own->begun = -begin_slow(self);
    }
    return true;
}

/* Notes the object, as far as it can be printed. */
static bool ask(void *memory, void *state, struct weft_request *request,
                const struct weft_action *action, struct weft_rejection *why)
{
    struct timed *own = state;
    struct weft_view object = action->object;
    (void)memory, (void)request, (void)why;
    if (own->asked)
        return true;
    own->asked = true;
    own->object_size = (uint8_t)(object.size < OBJECT_SIZE ? object.size : OBJECT_SIZE);
    for (size_t i = 0; i < own->object_size; i++)
        own->object[i] = object.data[i] > ' ' && object.data[i] <= '~' ? (char)object.data[i] : '?';
    return true;
}

WEFT_NOINLINE static void log_slow(struct metrics_loop *self, const struct timed *own,
                                   const struct weft_request *request, uint64_t bytes,
                                   uint64_t duration)
{
    struct weft_slow_entry entry = {
        .at = weft_loop_wall(self->loop),
        .duration = duration,
        .connection = weft_request_connection(request),
        .request_bytes = request->payload.size,
        .reply_bytes = bytes,
        .status = request->status,
    };
    const struct weft_peer *peer = weft_request_peer((struct weft_request *)(uintptr_t)request);
    copy_text(entry.command, sizeof entry.command, request->action ? request->action : "request");
    memcpy(entry.object, own->object, own->object_size);
    copy_text(entry.endpoint, sizeof entry.endpoint, self->endpoint);
    if (peer) {
        copy_text(entry.address, sizeof entry.address, peer->address);
        copy_text(entry.user, sizeof entry.user, peer->user);
        copy_text(entry.label, sizeof entry.label, peer->label);
    }
    weft_slow_log_add(self->metrics->slow_log, &entry);
}

static void end(void *memory, void *state, const struct weft_request *request, uint64_t bytes)
{
    struct metrics_loop *self = memory;
    const struct timed *own = state;
    struct metrics_cell *cell = count(self, request, bytes);
    uint64_t duration;
    self->ended = self->metrics->clock();
    self->turn = weft_loop_now(self->loop);
    duration = since(own->begun < 0 ? -own->begun : own->begun, self->ended);
    if (duration >= weft_slow_log_threshold(self->metrics->slow_log))
        log_slow(self, own, request, bytes, duration);
    if (own->begun > 0)
        count_latency(cell, duration);
}

const struct weft_layer weft_metrics_slow_layer = {
    .name = "metrics",
    .options = options,
    .config_size = sizeof(struct config),
    .loop_size = sizeof(struct metrics_loop),
    .request_size = sizeof(struct timed),
    .configure = configure,
    .start = start,
    .stop = stop,
    .listening = listening,
    .begin = begin,
    .ask = ask,
    .end = end,
};
