/* SPDX-License-Identifier: MIT */
#include "scripts.h"

/* Each digest is checked against that of a node by a test. A script that changes needs its new one, which the test shows. */

/* put: changes field f, which held o. Keeps the sorted set in step. */
#define HEADED                                                                                     \
    "local function put(b, x, f, o, h, v)\n"                                                       \
    "if h == 'd' then\n"                                                                           \
    "redis.call('HDEL', b, f)\n"                                                                   \
    "else\n"                                                                                       \
    "redis.call('HSET', b, f, h .. v)\n"                                                           \
    "local e = #h == 9 and struct.unpack('>I8', h, 2) or 0\n"                                      \
    "if e ~= 0 then\n"                                                                             \
    "redis.call('ZADD', x, string.format('%.17g', e), f)\n"                                        \
    "return\n"                                                                                     \
    "end\n"                                                                                        \
    "end\n"                                                                                        \
    "if o and string.byte(o) == 255 then redis.call('ZREM', x, f) end\n"                           \
    "end\n"

/* gone: true if a field is absent or has expired. */
#define GONE                                                                                       \
    "local function gone(o, now)\n"                                                                \
    "if not o then return true end\n"                                                              \
    "if string.byte(o) ~= 255 or #o < 9 then return false end\n"                                   \
    "local e = struct.unpack('>I8', o, 2)\n"                                                       \
    "return e ~= 0 and e <= now\n"                                                                 \
    "end\n"

/* sweep: frees some keys that have expired, so that a bucket that is written does not fill up with them. */
#define SWEEP                                                                                      \
    "local function sweep(b, x, now)\n"                                                            \
    "local e = redis.call('ZRANGEBYSCORE', x, '-inf', now, 'LIMIT', 0, 20)\n"                      \
    "for i = 1, #e do\n"                                                                           \
    "redis.call('HDEL', b, e[i])\n"                                                                \
    "redis.call('ZREM', x, e[i])\n"                                                                \
    "end\n"                                                                                        \
    "end\n"

#define SCRIPT(count, is_write, digest, source)                                                    \
    {                                                                                              \
        .keys = (count), .writes = (is_write), .sha = {(const uint8_t *)(digest), 40}, .text = {   \
            (const uint8_t *)(source),                                                             \
            sizeof(source) - 1                                                                     \
        }                                                                                          \
    }

static const struct kv_redis_script scripts[KV_REDIS_SCRIPTS] = {
    [KV_REDIS_SET] = SCRIPT("2", true, "aae1b17e903643718694cd65658c36e534c2810d",
                            "local b, x, r = KEYS[1], KEYS[2], {}\n"
                            "for i = 1, #ARGV, 2 do\n"
                            "local f = ARGV[i]\n"
                            "local o = redis.call('HGET', b, f)\n"
                            "redis.call('HSET', b, f, ARGV[i + 1])\n"
                            "if o and string.byte(o) == 255 then redis.call('ZREM', x, f) end\n"
                            "r[#r + 1] = o\n"
                            "end\n"
                            "return r\n"),
    [KV_REDIS_SET_ONE] =
        SCRIPT("1", true, "5a508265349cf848a44a3c6b04e46b545fdfbefb",
               "local b, f = KEYS[1], ARGV[1]\n"
               "local o = redis.call('HGET', b, f)\n"
               "redis.call('HSET', b, f, ARGV[2])\n"
               "if o and string.byte(o) == 255 then redis.call('ZREM', b .. ':x', f) end\n"
               "return o\n"),
    [KV_REDIS_SET_AMONG] = SCRIPT("1", true, "9a587214717e86b014261f93260a995733b20da3",
                                  "local b, f = KEYS[1], ARGV[1]\n"
                                  "local o = redis.call('HGET', b, f)\n"
                                  "if not o or string.byte(o) == 255 then\n"
                                  "if redis.pcall('EXISTS', b, b .. ':x') ~= 1 then return 0 end\n"
                                  "end\n"
                                  "redis.call('HSET', b, f, ARGV[2])\n"
                                  "return o\n"),
    [KV_REDIS_SET_HEADED] = SCRIPT("2", true, "9eafd8566659e7b71f14dac1a4d40ae386536d7d",
                                   HEADED SWEEP "local b, x, r = KEYS[1], KEYS[2], {}\n"
                                                "for i = 2, #ARGV, 3 do\n"
                                                "local o = redis.call('HGET', b, ARGV[i])\n"
                                                "put(b, x, ARGV[i], o, ARGV[i + 1], ARGV[i + 2])\n"
                                                "r[#r + 1] = o\n"
                                                "end\n"
                                                "sweep(b, x, ARGV[1])\n"
                                                "return r\n"),
    [KV_REDIS_DEL] = SCRIPT("2", true, "e96eb88ed8659a17f856ccda3b9498f065da88e9",
                            "local b, x, r = KEYS[1], KEYS[2], {}\n"
                            "for i = 1, #ARGV do\n"
                            "local f = ARGV[i]\n"
                            "local o = redis.call('HGET', b, f)\n"
                            "if o then\n"
                            "redis.call('HDEL', b, f)\n"
                            "if string.byte(o) == 255 then redis.call('ZREM', x, f) end\n"
                            "end\n"
                            "r[i] = o\n"
                            "end\n"
                            "return r\n"),
    [KV_REDIS_LOOK] = SCRIPT("1", false, "4c595d9b6fcc1dbb147425f49d7325e8157a53e0",
                             "local r = {}\n"
                             "for i = 1, #ARGV do\n"
                             "local o = redis.call('HGET', KEYS[1], ARGV[i])\n"
                             "r[i] = o and string.sub(o, 1, 9)\n"
                             "end\n"
                             "return r\n"),
    [KV_REDIS_SWAP] = SCRIPT("2", true, "46fb65a68931387798f8d850208b7c5eccbeeac6",
                             HEADED GONE SWEEP
                             "local b, x, now, r = KEYS[1], KEYS[2], tonumber(ARGV[1]), {0}\n"
                             "local same = true\n"
                             "for i = 2, #ARGV, 5 do\n"
                             "local o = redis.call('HGET', b, ARGV[i])\n"
                             "if ARGV[i + 1] == 'a' then\n"
                             "same = same and gone(o, now)\n"
                             "else\n"
                             "same = same and o == ARGV[i + 2]\n"
                             "end\n"
                             "r[#r + 1] = o\n"
                             "end\n"
                             "if not same then return r end\n"
                             "for i = 2, #ARGV, 5 do\n"
                             "if ARGV[i + 3] ~= 'k' then\n"
                             "put(b, x, ARGV[i], r[(i + 3) / 5 + 1], ARGV[i + 3], ARGV[i + 4])\n"
                             "end\n"
                             "end\n"
                             "sweep(b, x, ARGV[1])\n"
                             "return {1}\n"),
    [KV_REDIS_ADD] =
        SCRIPT("2", true, "85b4ed78aadb81d50a69d018303e3017669e90cb",
               GONE "local b, x, now, f = KEYS[1], KEYS[2], tonumber(ARGV[1]), ARGV[2]\n"
                    "local function read(s, at)\n"
                    "local n, limbs = #s - at, {0, 0, 0}\n"
                    "if string.byte(s, at) ~= 24 or n < 1 or n > 10 then return nil end\n"
                    "for i = 1, n do\n"
                    "local c = string.byte(s, at + i)\n"
                    "if (c < 128) ~= (i == n) or (i == n and n > 1 and c == 0) or (i == 10 and c > "
                    "1) then return nil end\n"
                    "local k = math.floor((i - 1) / 4) + 1\n"
                    "limbs[k] = limbs[k] + c % 128 * 128 ^ ((i - 1) % 4)\n"
                    "end\n"
                    "return limbs\n"
                    "end\n"
                    "local o = redis.call('HGET', b, f)\n"
                    "local a, d = {0, 0, 0}, read(ARGV[3], 1)\n"
                    "local h = ''\n"
                    "if not gone(o, now) then\n"
                    "local at = 1\n"
                    "if string.byte(o) == 255 then\n"
                    "h, at = string.sub(o, 1, 9), 10\n"
                    "end\n"
                    "a = read(o, at)\n"
                    "if not a then return {0, o} end\n"
                    "end\n"
                    "local s, c = {}, 0\n"
                    "for k = 1, 3 do\n"
                    "local m = k < 3 and 268435456 or 256\n"
                    "local t = a[k] + d[k] + c\n"
                    "c = math.floor(t / m)\n"
                    "s[k] = t % m\n"
                    "end\n"
                    "local an, dn, sn = a[3] > 127, d[3] > 127, s[3] > 127\n"
                    "if an == dn and an ~= sn then return {0, o} end\n"
                    "local last, p = 1, {}\n"
                    "for i = 1, 10 do\n"
                    "local k = math.floor((i - 1) / 4) + 1\n"
                    "p[i] = math.floor(s[k] / 128 ^ ((i - 1) % 4)) % 128\n"
                    "if p[i] ~= 0 then last = i end\n"
                    "end\n"
                    "for i = 1, last - 1 do p[i] = p[i] + 128 end\n"
                    "if ARGV[4] == 'n' or string.byte(h, 1) == nil then\n"
                    "if o and string.byte(o) == 255 then redis.call('ZREM', x, f) end\n"
                    "h = ''\n"
                    "end\n"
                    "redis.call('HSET', b, f, h .. string.char(24, unpack(p, 1, last)))\n"
                    "return {1, o}\n"),
    [KV_REDIS_COUNT] = SCRIPT(
        "2", false, "c7bfa1db70335c9f53356023ff260d53f1c8f522",
        "return redis.call('HLEN', KEYS[1]) - redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[1])\n"),
    [KV_REDIS_DROP] = SCRIPT(
        "2", true, "fa8ff82ba5a1bbd26f0c92dd7ceee651a138d9b5",
        "local n = redis.call('HLEN', KEYS[1]) - redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[1])\n"
        "redis.call('UNLINK', KEYS[1], KEYS[2])\n"
        "return n\n"),
    [KV_REDIS_MAKE] = SCRIPT("1", true, "ed5fead4a4bfb9c9096cf2abadfb983293377058",
                             "redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])\n"
                             "return redis.call('HGET', KEYS[1], ARGV[1])\n"),
};

const struct kv_redis_script *kv_redis_script(enum kv_redis_script_name name)
{
    return &scripts[name];
}
