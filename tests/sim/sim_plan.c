/* SPDX-License-Identifier: MIT */
#include "sim_plan.h"

#include <string.h>

/* Most requests are small, some fill a few segments, few a frame. */
static uint32_t draw_size(struct test_random *random)
{
    size_t dice = test_random_below(random, 64);

    if (dice == 0)
        return (uint32_t)test_random_below(random, SIM_MAX_FRAME - SIM_HEADER);
    if (dice < 6)
        return (uint32_t)test_random_below(random, 3000);
    return (uint32_t)test_random_below(random, 200);
}

static uint8_t draw_kind(struct test_random *random, bool gzip)
{
    size_t dice = test_random_below(random, 100);
    uint8_t kind;

    if (dice < 40)
        return SIM_ECHO;
    if (dice == 99)
        return SIM_OVERSIZE;
    if (dice >= 95)
        return gzip ? SIM_MALFORMED : SIM_ECHO;
    /* A reply that is too big is compressed in vain, which costs more than all the others. */
    kind = (uint8_t)test_random_below(random, SIM_KINDS);
    return kind == SIM_HUGE && test_random_below(random, 4) ? SIM_STREAM : kind;
}

struct sim_request sim_plan(uint64_t seed, uint32_t client, uint32_t index, bool gzip)
{
    struct test_random random = {
        test_random_mix(seed ^ test_random_mix((uint64_t)client << 32 | index))};
    struct sim_request request = {.client = client, .index = index, .replies = 1};

    request.kind = draw_kind(&random, gzip);
    request.size = SIM_HEADER + draw_size(&random);
    request.reply_size = SIM_HEADER + draw_size(&random);
    request.delay_ms = (uint16_t)test_random_below(&random, 20);
    switch (request.kind) {
    case SIM_STREAM:
    case SIM_TICK:
        request.replies = (uint8_t)(1 + test_random_below(&random, SIM_MAX_REPLIES));
        break;
    case SIM_LOOSE:
        /* A push without memory closes the connection, so that the client cannot hear them all. */
        if (sim_profile_of(seed) == SIM_STARVED)
            request.kind = SIM_TICK;
        request.replies = (uint8_t)(1 + test_random_below(&random, SIM_MAX_REPLIES));
        break;
    case SIM_SILENT:
        /* If any request may be refused, nobody could say which one that was. */
        if (sim_profile_of(seed) >= SIM_DRAIN)
            request.kind = SIM_KEEP;
        else
            request.replies = 0;
        break;
    case SIM_HUGE:
        request.reply_size = SIM_MAX_FRAME + 1 + draw_size(&random);
        break;
    case SIM_OVERSIZE:
        request.size = SIM_MAX_FRAME + 1 + draw_size(&random);
        break;
    default:
        break;
    }
    return request;
}

/* A quarter of the messages shrink when they are compressed; what is to be too big does not. */
static uint64_t step_of(const struct sim_request *request)
{
    return request->kind != SIM_HUGE && request->index % 4 == 0 ? 0 : TEST_RANDOM_STEP;
}

static void write_message(const struct sim_request *request, uint32_t n, uint8_t *dst, size_t size)
{
    uint64_t state = (uint64_t)request->client << 40 ^ (uint64_t)request->index << 16 ^ n;
    uint64_t step = step_of(request), word = test_random_mix(state);

    memcpy(dst, request, SIM_HEADER);
    dst += SIM_HEADER;
    size -= SIM_HEADER;
    for (; size >= sizeof word; dst += sizeof word, size -= sizeof word) {
        memcpy(dst, &word, sizeof word);
        state += step;
        word = test_random_mix(state);
    }
    memcpy(dst, &word, size);
}

void sim_write_payload(const struct sim_request *request, uint8_t *dst)
{
    write_message(request, 0, dst, request->size);
}

static bool answers_with_itself(const struct sim_request *request)
{
    return request->kind == SIM_ECHO || request->kind == SIM_KEEP || request->kind == SIM_BAD;
}

size_t sim_reply_size(const struct sim_request *request)
{
    return answers_with_itself(request) ? request->size : request->reply_size;
}

void sim_write_reply(const struct sim_request *request, uint32_t n, uint8_t *dst)
{
    write_message(request, answers_with_itself(request) ? 0 : n + 1, dst, sim_reply_size(request));
}

size_t sim_write_rejection(enum weft_reject_cause cause, uint8_t *dst)
{
    static const char words[] = "reject ";

    memcpy(dst, words, sizeof words - 1);
    dst[sizeof words - 1] = (uint8_t)('0' + (int)cause);
    return sizeof words;
}
