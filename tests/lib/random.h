/* SPDX-License-Identifier: MIT
 *
 * Random numbers for tests that can be run again: the sequence follows from a seed, which is printed
 * and may be given as WEFT_TEST_SEED. SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom
 * number generators", 2014). */
#ifndef WEFT_TEST_RANDOM_H
#define WEFT_TEST_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define TEST_RANDOM_STEP UINT64_C(0x9E3779B97F4A7C15)

struct test_random {
    uint64_t state;
};

static inline uint64_t test_random_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* The seed is fallback unless the environment has WEFT_TEST_SEED; so runs repeat by themselves. */
static inline struct test_random test_random_start(uint64_t fallback)
{
    const char *text = getenv("WEFT_TEST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : fallback;
    printf("WEFT_TEST_SEED=%llu\n", (unsigned long long)seed);
    return (struct test_random){seed};
}

static inline uint64_t test_random_next(struct test_random *random)
{
    random->state += TEST_RANDOM_STEP;
    return test_random_mix(random->state);
}

/* 0 to bound - 1; bound > 0. */
static inline size_t test_random_below(struct test_random *random, size_t bound)
{
    return (size_t)(test_random_next(random) % bound);
}

#endif
