/* SPDX-License-Identifier: MIT
 *
 * The plan of a simulation, what its clients ask and what they must hear: each request says in its first
 * bytes what it wants, and every byte of requests and replies follows from a seed, so that client
 * and service agree without talking. */
#ifndef TEST_SIM_PLAN_H
#define TEST_SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/service.h"
#include "lib/random.h"

enum {
    SIM_MAX_FRAME = 20000,
    SIM_MAX_MESSAGE = 40000,
    SIM_MAX_REPLIES = 12,
};

/* Trouble that the server has besides polite clients. */
enum sim_profile {
    SIM_CALM,
    SIM_HOSTILE, /* every third client is rude */
    SIM_DRAIN,   /* it is stopped in the middle */
    SIM_STARVED, /* allocations fail */
    SIM_PROFILES
};

static inline enum sim_profile sim_profile_of(uint64_t seed)
{
    return (enum sim_profile)(seed % SIM_PROFILES);
}

/* How a request is answered. */
enum sim_kind {
    SIM_ECHO,   /* within call(), with itself */
    SIM_KEEP,   /* later, with itself */
    SIM_POST,   /* later in the turn or in the next, with one message */
    SIM_BLOB,   /* within call(), with a blob */
    SIM_STREAM, /* with several messages, as fast as they are taken */
    SIM_TICK,   /* with several messages, each after a while */
    SIM_SILENT, /* later, without a message */
    SIM_BAD,    /* within call(), as malformed */
    SIM_LOOSE,  /* with one message in its place; the others are pushed, each after a while */
    SIM_HUGE,   /* within call(), with more than max-frame: a rejection is in its place */
    SIM_KINDS,
    /* Frames that the codec refuses: the service never sees them. */
    SIM_OVERSIZE = SIM_KINDS,
    SIM_MALFORMED,
};

struct sim_request {
    uint32_t client, index;
    uint8_t kind; /* enum sim_kind */
    uint8_t replies;
    uint16_t delay_ms;
    uint32_t size; /* of the payload */
    uint32_t reply_size;
};

/* Every payload begins with the request itself. */
enum { SIM_HEADER = sizeof(struct sim_request) };

/* The index-th request of a client, whose codec knows gzip or not. */
struct sim_request sim_plan(uint64_t seed, uint32_t client, uint32_t index, bool gzip);

/* SIM_HEADER bytes and the rest; size bytes in all. */
void sim_write_payload(const struct sim_request *request, uint8_t *dst);

/* The n-th message of the answer: its size, and what it has to be. */
size_t sim_reply_size(const struct sim_request *request);
void sim_write_reply(const struct sim_request *request, uint32_t n, uint8_t *dst);

/* The words for a rejection: "reject N"; the size. */
size_t sim_write_rejection(enum weft_reject_cause cause, uint8_t *dst);

#endif
