/* SPDX-License-Identifier: MIT */
#include "delay.h"

#include <sodium.h>
#include <string.h>

#define FIRST_NS  INT64_C(50000000)
#define LAST_NS   INT64_C(2000000000)
#define FORGET_NS INT64_C(60000000000)

void users_delays_init(struct users_delays *delays)
{
    memset(delays, 0, sizeof *delays);
    pthread_mutex_init(&delays->lock, NULL);
    randombytes_buf(delays->key, sizeof delays->key);
}

void users_delays_fini(struct users_delays *delays)
{
    pthread_mutex_destroy(&delays->lock);
}

static struct users_delay *slot_of(struct users_delays *delays, const char *address)
{
    const char *port = strrchr(address, ':');
    uint8_t hash[crypto_shorthash_BYTES];
    uint16_t slot;
    crypto_shorthash(hash, (const uint8_t *)address,
                     port ? (size_t)(port - address) : strlen(address), delays->key);
    memcpy(&slot, hash, sizeof slot);
    return &delays->slots[slot % USERS_DELAY_SLOTS];
}

bool users_delays_begin(struct users_delays *delays, const char *address, int64_t now)
{
    struct users_delay *slot = slot_of(delays, address);
    pthread_mutex_lock(&delays->lock);
    bool has_failed = slot->failures > 0 && now - slot->last <= FORGET_NS;
    bool may = !has_failed || slot->pending < USERS_DELAY_PENDING;
    slot->pending += may;
    pthread_mutex_unlock(&delays->lock);
    return may;
}

void users_delays_end(struct users_delays *delays, const char *address)
{
    pthread_mutex_lock(&delays->lock);
    slot_of(delays, address)->pending--;
    pthread_mutex_unlock(&delays->lock);
}

int64_t users_delays_fail(struct users_delays *delays, const char *address, int64_t now)
{
    struct users_delay *slot = slot_of(delays, address);
    pthread_mutex_lock(&delays->lock);
    if (now - slot->last > FORGET_NS)
        slot->failures = 0;
    uint32_t before = slot->failures;
    slot->failures += slot->failures < UINT32_MAX;
    slot->last = now;
    pthread_mutex_unlock(&delays->lock);
    return before < 6 ? FIRST_NS << before : LAST_NS;
}
