/* SPDX-License-Identifier: MIT */
#include "top_rates.h"

#include <stdlib.h>
#include <string.h>

/* Two looks at one metric. */
struct metric {
    const json_t *before, *now; /* arrays of samples */
};

static const json_t *samples_of(const json_t *look, const char *name)
{
    size_t i;
    json_t *metric;
    json_array_foreach(json_object_get(look, "metrics"), i, metric)
    {
        const char *found = json_string_value(json_object_get(metric, "name"));
        if (found && strcmp(found, name) == 0)
            return json_object_get(metric, "samples");
    }
    return NULL;
}

static double value_of(const json_t *sample)
{
    return sample ? json_number_value(json_object_get(sample, "value")) : 0;
}

/* Returns the sample with the same labels, or NULL. */
static const json_t *same(const json_t *samples, const json_t *sample)
{
    size_t i;
    json_t *other;
    json_array_foreach(samples, i,
                       other) if (json_equal(json_object_get(other, "labels"),
                                             json_object_get(sample, "labels"))) return other;
    return NULL;
}

static const char *label_of(const json_t *sample, const char *name)
{
    const char *text = json_string_value(json_object_get(json_object_get(sample, "labels"), name));
    return text ? text : "";
}

static double sum_now(const json_t *now, const char *name)
{
    double sum = 0;
    size_t i;
    json_t *sample;
    json_array_foreach(samples_of(now, name), i, sample) sum += value_of(sample);
    return sum;
}

static double rate_of(const json_t *before, const json_t *now, const char *name, double seconds)
{
    return (sum_now(now, name) - sum_now(before, name)) / seconds;
}

/* --- commands -------------------------------------------------------------------------------------- */

static struct kvc_command_rate *command_of(struct kvc_rates *rates, const char *name)
{
    for (size_t i = 0; i < rates->command_count; i++)
        if (strcmp(rates->commands[i].name, name) == 0)
            return &rates->commands[i];
    if (rates->command_count == KVC_RATE_COMMANDS)
        return NULL;
    struct kvc_command_rate *command = &rates->commands[rates->command_count++];
    *command = (struct kvc_command_rate){.name = name};
    return command;
}

static void add_requests(struct kvc_rates *rates, const json_t *before, const json_t *now)
{
    const json_t *old = samples_of(before, "weft_requests");
    size_t i;
    json_t *sample;
    json_array_foreach(samples_of(now, "weft_requests"), i, sample)
    {
        struct kvc_command_rate *command = command_of(rates, label_of(sample, "command"));
        double rate = (value_of(sample) - value_of(same(old, sample))) / rates->seconds;
        if (!command)
            continue;
        command->requests += rate;
        if (strcmp(label_of(sample, "status"), "200") != 0)
            command->errors += rate;
    }
}

static void add_sent(struct kvc_rates *rates, const json_t *before, const json_t *now)
{
    const json_t *old = samples_of(before, "weft_reply_bytes");
    size_t i;
    json_t *sample;
    json_array_foreach(samples_of(now, "weft_reply_bytes"), i, sample)
    {
        struct kvc_command_rate *command = command_of(rates, label_of(sample, "command"));
        if (command)
            command->sent += (value_of(sample) - value_of(same(old, sample))) / rates->seconds;
    }
}

static void add_buckets(struct kvc_command_rate *command, const json_t *sample, const json_t *old)
{
    const json_t *buckets = json_object_get(sample, "buckets"),
                 *olds = json_object_get(old, "buckets");
    size_t i;
    json_t *bucket;
    command->buckets = 0;
    json_array_foreach(buckets, i, bucket)
    {
        if (i == KVC_RATE_BUCKETS)
            break;
        command->uppers[i] = json_number_value(json_array_get(bucket, 0)); /* 0: infinite */
        command->counts[i] += json_number_value(json_array_get(bucket, 1)) -
                              json_number_value(json_array_get(json_array_get(olds, i), 1));
        command->buckets = i + 1;
    }
}

static double quantile(const struct kvc_command_rate *command, double share)
{
    if (command->buckets == 0 || command->counts[command->buckets - 1] <= 0)
        return 0;
    double wanted = share * command->counts[command->buckets - 1], below = 0, lower = 0;
    for (size_t i = 0; i < command->buckets; i++) {
        double count = command->counts[i], upper = command->uppers[i];
        if (count >= wanted)
            return upper > 0 ? lower + (upper - lower) * (wanted - below) / (count - below) : lower;
        below = count;
        lower = upper;
    }
    return lower;
}

static void add_latencies(struct kvc_rates *rates, const json_t *before, const json_t *now)
{
    static const char name[] = "weft_request_duration_seconds";
    const json_t *old = samples_of(before, name);
    size_t i;
    json_t *sample;
    json_array_foreach(samples_of(now, name), i, sample)
    {
        struct kvc_command_rate *command = command_of(rates, label_of(sample, "command"));
        if (command)
            add_buckets(command, sample, same(old, sample));
    }
    for (i = 0; i < rates->command_count; i++) {
        rates->commands[i].p50 = quantile(&rates->commands[i], 0.5);
        rates->commands[i].p99 = quantile(&rates->commands[i], 0.99);
    }
}

static int compare(const void *a, const void *b)
{
    const struct kvc_command_rate *one = a, *other = b;
    return (one->requests < other->requests) - (one->requests > other->requests);
}

/* --- loops ----------------------------------------------------------------------------------------- */

static const json_t *find_loop(const json_t *samples, const char *name)
{
    size_t i;
    json_t *sample;
    json_array_foreach(samples, i,
                       sample) if (strcmp(label_of(sample, "loop"), name) == 0) return sample;
    return NULL;
}

static double sum_of(const json_t *sample)
{
    return sample ? json_number_value(json_object_get(sample, "sum")) : 0;
}

static void add_loops(struct kvc_rates *rates, const json_t *before, const json_t *now)
{
    static const char turns[] = "weft_loop_turns", times[] = "weft_loop_turn_duration_seconds";
    size_t i;
    json_t *sample;
    json_array_foreach(samples_of(now, turns), i, sample)
    {
        if (rates->loop_count == KVC_RATE_LOOPS)
            return;
        struct kvc_loop_rate *loop = &rates->loops[rates->loop_count++];
        const char *name = label_of(sample, "loop");
        loop->name = name;
        loop->connections = value_of(find_loop(samples_of(now, "weft_loop_connections"), name));
        loop->longest =
            value_of(find_loop(samples_of(now, "weft_loop_turn_longest_seconds"), name));
        loop->turns = (value_of(sample) - value_of(find_loop(samples_of(before, turns), name))) /
                      rates->seconds;
        loop->busy = (sum_of(find_loop(samples_of(now, times), name)) -
                      sum_of(find_loop(samples_of(before, times), name))) /
                     rates->seconds;
    }
}

void kvc_rates_init(struct kvc_rates *rates, const json_t *before, const json_t *now,
                    double seconds)
{
    memset(rates, 0, sizeof *rates);
    rates->seconds = seconds > 0 ? seconds : 1;
    rates->requests = rate_of(before, now, "weft_requests", rates->seconds);
    rates->received = rate_of(before, now, "weft_received_bytes", rates->seconds);
    rates->sent = rate_of(before, now, "weft_sent_bytes", rates->seconds);
    rates->accepted = rate_of(before, now, "weft_connections_accepted", rates->seconds);
    rates->rejected = rate_of(before, now, "weft_rejections", rates->seconds);
    rates->cpu = rate_of(before, now, "process_cpu_seconds", rates->seconds);
    rates->connections = sum_now(now, "weft_connections_open");
    rates->resident = sum_now(now, "process_resident_memory_bytes");
    rates->store = sum_now(now, "weft_store_memory_bytes");
    add_requests(rates, before, now);
    add_sent(rates, before, now);
    add_latencies(rates, before, now);
    qsort(rates->commands, rates->command_count, sizeof rates->commands[0], compare);
    add_loops(rates, before, now);
}
