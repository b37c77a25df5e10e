/* SPDX-License-Identifier: MIT
 *
 * Random numbers that follow from a seed: SplitMix64 (Steele, Lea, Flood: "Fast splittable
 * pseudorandom number generators", 2014). Not for secrets. */
#ifndef KV_CLI_BENCH_RANDOM_H
#define KV_CLI_BENCH_RANDOM_H

#include <stdint.h>

struct cli_bench_random {
    uint64_t state; /* any number is a seed */
};

static inline uint64_t cli_bench_random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint64_t cli_bench_random_next(struct cli_bench_random *random)
{
    random->state += UINT64_C(0x9E3779B97F4A7C15);
    return cli_bench_random_mix(random->state);
}

/* Scales 32 random bits to a number below bound. */
static inline uint32_t cli_bench_random_scale(uint32_t bits, uint32_t bound)
{
    return (uint32_t)((uint64_t)bits * bound >> 32);
}

#endif
