/* SPDX-License-Identifier: MIT */
#include "statistics.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "text.h"

enum { SLOW_DEFAULT = 10, SLOW_MOST = 1024 };

/* --- INFO ------------------------------------------------------------------------------------------ */

struct reader {
    struct weft_samples samples;
    struct resp_statistics *statistics;
};

static bool has_label(const struct weft_sample *sample, const char *name, const char *value)
{
    for (size_t i = 0; i < sample->label_count; i++)
        if (strcmp(sample->labels[i].name, name) == 0)
            return strcmp(sample->labels[i].value, value) == 0;
    return false;
}

static void take(struct weft_samples *samples, const struct weft_sample *sample)
{
    struct resp_statistics *sums = weft_container_of(samples, struct reader, samples)->statistics;
    const struct {
        const char *name;
        uint64_t *sum;
    } wanted[] = {
        {"weft_connections_open", &sums->connections},
        {"weft_connections_accepted", &sums->accepted},
        {"weft_frames_decoded", &sums->frames},
        {"weft_received_bytes", &sums->received},
        {"weft_sent_bytes", &sums->sent},
        {"weft_store_memory_bytes", &sums->memory},
    };
    if (sample->metric->kind == WEFT_HISTOGRAM)
        return;
    if (strcmp(sample->metric->name, "weft_connections_closed") == 0 &&
        has_label(sample, "reason", weft_reason_name(WEFT_REASON_TOO_MANY)))
        sums->turned_away += (uint64_t)sample->value;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (strcmp(sample->metric->name, wanted[i].name) == 0)
            *wanted[i].sum += (uint64_t)sample->value;
}

void resp_statistics_read(struct resp_statistics *statistics, const struct resp_task *task)
{
    struct reader reader = {.samples = {take}, .statistics = statistics};
    *statistics = (struct resp_statistics){0};
    weft_collectors_run(kv_task_config(&task->base)->context->collectors, &reader.samples);
}

/* --- SLOWLOG --------------------------------------------------------------------------------------- */

/* Adds an entry with the fields of Redis: its arguments are the command and the table. */
static void put_entry(struct resp_text *text, const struct weft_slow_entry *entry)
{
    resp_text_array(text, 6);
    resp_text_integer(text, (int64_t)entry->id);
    resp_text_integer(text, entry->at / 1000);
    resp_text_integer(text, (int64_t)(entry->duration / 1000));
    resp_text_array(text, *entry->object ? 2 : 1);
    resp_text_bulk(text, entry->command);
    if (*entry->object)
        resp_text_bulk(text, entry->object);
    resp_text_bulk(text, entry->address);
    resp_text_bulk(text, entry->label);
}

static void put_entries(struct resp_text *text, const struct weft_slow_entry *entries, size_t count)
{
    resp_text_array(text, count);
    for (size_t i = 0; i < count; i++)
        put_entry(text, &entries[i]);
}

static bool answer_entries(struct resp_task *task, struct weft_slow_log *log, size_t most)
{
    struct weft_arena *arena = weft_request_arena(task->base.request);
    size_t length = log ? weft_slow_log_length(log) : 0, count = most < length ? most : length;
    struct weft_slow_entry *entries = weft_arena_alloc(arena, (count + 1) * sizeof *entries);
    struct resp_text text = {.is_3 = resp_is_3(task)};
    if (!entries)
        goto no_memory;
    if (log)
        count = weft_slow_log_get(log, entries, count);
    put_entries(&text, entries, count);
    text.dst = weft_arena_alloc(arena, text.size);
    if (!text.dst)
        goto no_memory;
    text.size = 0;
    put_entries(&text, entries, count);
    (void)resp_raw(task, weft_view(text.dst, text.size));
    return resp_answer(task);

no_memory:
    (void)resp_no_memory(task);
    return resp_answer(task);
}

bool resp_begin_slowlog(struct resp_task *task)
{
    struct weft_slow_log *log = kv_task_config(&task->base)->context->slow_log;
    struct weft_view word = task->args[1];
    int64_t most = SLOW_DEFAULT;
    if (resp_is_word(word, "GET") && task->count <= 3) {
        if (task->count == 3 && (!resp_parse_integer(task->args[2], &most) || most < -1)) {
            (void)resp_error(task, "ERR count should be greater than or equal to -1");
            return resp_answer(task);
        }
        return answer_entries(task, log, most < 0 || most > SLOW_MOST ? SLOW_MOST : (size_t)most);
    }
    if (resp_is_word(word, "LEN") && task->count == 2) {
        (void)resp_integer(task, log ? (int64_t)weft_slow_log_length(log) : 0);
        return resp_answer(task);
    }
    if (resp_is_word(word, "RESET") && task->count == 2) {
        if (log)
            weft_slow_log_reset(log);
        (void)resp_raw(task, weft_view_str("+OK\r\n"));
        return resp_answer(task);
    }
    (void)resp_error_format(task, "ERR unknown subcommand '%.*s'. Try SLOWLOG HELP.",
                            RESP_SHOWN(word));
    return resp_answer(task);
}
