/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <assert.h>

#include "connection.h"
#include "counters.h"
#include "expiry.h"
#include "hashes.h"
#include "keys.h"
#include "random.h"
#include "scan.h"
#include "server.h"
#include "statistics.h"
#include "strings.h"
#include "topics.h"

#define W RESP_WRITE
#define R RESP_READONLY
#define M RESP_DENYOOM
#define F RESP_FAST
#define A RESP_ADMIN
#define O RESP_OPEN
#define H RESP_HASH
#define U RESP_UPDATES
#define S RESP_ANYTIME
#define E (RESP_UPDATES | RESP_EXPIRES)

/* NAME, arity, function, flags, keys (first, last, step), group, since, summary */
const struct resp_command resp_commands[] = {
#define COMMAND(name, arity, begin, flags, first, last, step, group, since, summary)               \
    {                                                                                              \
        name, arity, resp_begin_##begin, flags, first, last, step, group, since, summary           \
    }
    COMMAND("get", 2, get, R | F, 1, 1, 1, "string", "1.0.0", "Get the value of a key"),
    COMMAND("set", -3, set, W | M, 1, 1, 1, "string", "1.0.0", "Set the string value of a key"),
    COMMAND("setnx", 3, setnx, W | M | F | U, 1, 1, 1, "string", "1.0.0",
            "Set the value of a key, only if the key does not exist"),
    COMMAND("setex", 4, setex, W | M | E, 1, 1, 1, "string", "2.0.0",
            "Set the value and expiration of a key"),
    COMMAND("psetex", 4, psetex, W | M | E, 1, 1, 1, "string", "2.6.0",
            "Set the value and expiration in milliseconds of a key"),
    COMMAND("getset", 3, getset, W | M | F, 1, 1, 1, "string", "1.0.0",
            "Set the string value of a key and return its old value"),
    COMMAND("getdel", 2, getdel, W | F, 1, 1, 1, "string", "6.2.0",
            "Get the value of a key and delete the key"),
    COMMAND("getex", -2, getex, W | F | E, 1, 1, 1, "string", "6.2.0",
            "Get the value of a key and optionally set its expiration"),
    COMMAND("getrange", 4, getrange, R, 1, 1, 1, "string", "2.4.0",
            "Get a substring of the string stored at a key"),
    COMMAND("substr", 4, getrange, R, 1, 1, 1, "string", "1.0.0",
            "Get a substring of the string stored at a key"),
    COMMAND("mget", -2, mget, R | F, 1, -1, 1, "string", "1.0.0",
            "Get the values of all the given keys"),
    COMMAND("mset", -3, mset, W | M, 1, -1, 2, "string", "1.0.1",
            "Set multiple keys to multiple values"),
    COMMAND("msetnx", -3, msetnx, W | M | U, 1, -1, 2, "string", "1.0.1",
            "Set multiple keys to multiple values, only if none of the keys exist"),
    COMMAND("strlen", 2, strlen, R | F, 1, 1, 1, "string", "2.2.0",
            "Get the length of the value stored in a key"),
    COMMAND("append", 3, append, W | M | F | U, 1, 1, 1, "string", "2.0.0",
            "Append a value to a key"),
    COMMAND("incr", 2, incr, W | M | F | U, 1, 1, 1, "string", "1.0.0",
            "Increment the integer value of a key by one"),
    COMMAND("decr", 2, decr, W | M | F | U, 1, 1, 1, "string", "1.0.0",
            "Decrement the integer value of a key by one"),
    COMMAND("incrby", 3, incrby, W | M | F | U, 1, 1, 1, "string", "1.0.0",
            "Increment the integer value of a key by the given amount"),
    COMMAND("decrby", 3, decrby, W | M | F | U, 1, 1, 1, "string", "1.0.0",
            "Decrement the integer value of a key by the given number"),
    COMMAND("incrbyfloat", 3, incrbyfloat, W | M | F | U, 1, 1, 1, "string", "2.6.0",
            "Increment the float value of a key by the given amount"),

    COMMAND("hget", 3, hget, R | F | H, 1, 1, 1, "hash", "2.0.0", "Get the value of a hash field"),
    COMMAND("hset", -4, hset, W | M | F | H, 1, 1, 1, "hash", "2.0.0",
            "Set the string value of a hash field"),
    COMMAND("hmset", -4, hmset, W | M | F | H, 1, 1, 1, "hash", "2.0.0",
            "Set multiple hash fields to multiple values"),
    COMMAND("hsetnx", 4, hsetnx, W | M | F | H | U, 1, 1, 1, "hash", "2.0.0",
            "Set the value of a hash field, only if the field does not exist"),
    COMMAND("hmget", -3, hmget, R | F | H, 1, 1, 1, "hash", "2.0.0",
            "Get the values of all the given hash fields"),
    COMMAND("hdel", -3, hdel, W | F | H, 1, 1, 1, "hash", "2.0.0",
            "Delete one or more hash fields"),
    COMMAND("hexists", 3, hexists, R | F | H, 1, 1, 1, "hash", "2.0.0",
            "Determine if a hash field exists"),
    COMMAND("hlen", 2, hlen, R | F | H, 1, 1, 1, "hash", "2.0.0",
            "Get the number of fields in a hash"),
    COMMAND("hkeys", 2, hkeys, R | H, 1, 1, 1, "hash", "2.0.0", "Get all the fields in a hash"),
    COMMAND("hvals", 2, hvals, R | H, 1, 1, 1, "hash", "2.0.0", "Get all the values in a hash"),
    COMMAND("hgetall", 2, hgetall, R | H, 1, 1, 1, "hash", "2.0.0",
            "Get all the fields and values in a hash"),
    COMMAND("hstrlen", 3, hstrlen, R | F | H, 1, 1, 1, "hash", "3.2.0",
            "Get the length of the value of a hash field"),
    COMMAND("hscan", -3, hscan, R | H, 1, 1, 1, "hash", "2.8.0",
            "Incrementally iterate hash fields and associated values"),
    COMMAND("hrandfield", -2, hrandfield, R | H, 1, 1, 1, "hash", "6.2.0",
            "Get one or multiple random fields from a hash"),
    COMMAND("hincrby", 4, hincrby, W | M | F | H | U, 1, 1, 1, "hash", "2.0.0",
            "Increment the integer value of a hash field by the given number"),
    COMMAND("hincrbyfloat", 4, hincrbyfloat, W | M | F | H | U, 1, 1, 1, "hash", "2.6.0",
            "Increment the float value of a hash field by the given amount"),
    COMMAND("hexpire", -6, hexpire, W | M | F | H | E, 1, 1, 1, "hash", "7.4.0",
            "Set expiry for hash fields using relative time to expire (seconds)"),
    COMMAND("hpexpire", -6, hpexpire, W | M | F | H | E, 1, 1, 1, "hash", "7.4.0",
            "Set expiry for hash fields using relative time to expire (milliseconds)"),
    COMMAND("hexpireat", -6, hexpireat, W | M | F | H | E, 1, 1, 1, "hash", "7.4.0",
            "Set expiry for hash fields using an absolute Unix timestamp (seconds)"),
    COMMAND("hpexpireat", -6, hpexpireat, W | M | F | H | E, 1, 1, 1, "hash", "7.4.0",
            "Set expiry for hash fields using an absolute Unix timestamp (milliseconds)"),
    COMMAND("httl", -5, httl, R | F | H, 1, 1, 1, "hash", "7.4.0",
            "Returns the TTL in seconds of hash fields"),
    COMMAND("hpttl", -5, hpttl, R | F | H, 1, 1, 1, "hash", "7.4.0",
            "Returns the TTL in milliseconds of hash fields"),
    COMMAND("hpersist", -5, hpersist, W | F | H | E, 1, 1, 1, "hash", "7.4.0",
            "Removes the expiration time for hash fields"),

    COMMAND("del", -2, del, W, 1, -1, 1, "generic", "1.0.0", "Delete a key"),
    COMMAND("unlink", -2, del, W | F, 1, -1, 1, "generic", "4.0.0", "Delete a key"),
    COMMAND("exists", -2, exists, R | F, 1, -1, 1, "generic", "1.0.0", "Determine if a key exists"),
    COMMAND("touch", -2, exists, R | F, 1, -1, 1, "generic", "3.2.1",
            "Returns the number of existing keys specified"),
    COMMAND("type", 2, type, R | F, 1, 1, 1, "generic", "1.0.0",
            "Determine the type stored at key"),
    COMMAND("expire", -3, expire, W | F | E, 1, 1, 1, "generic", "1.0.0",
            "Set a key's time to live in seconds"),
    COMMAND("pexpire", -3, pexpire, W | F | E, 1, 1, 1, "generic", "2.6.0",
            "Set a key's time to live in milliseconds"),
    COMMAND("expireat", -3, expireat, W | F | E, 1, 1, 1, "generic", "1.2.0",
            "Set the expiration for a key as a UNIX timestamp"),
    COMMAND("pexpireat", -3, pexpireat, W | F | E, 1, 1, 1, "generic", "2.6.0",
            "Set the expiration for a key as a UNIX timestamp specified in milliseconds"),
    COMMAND("ttl", 2, ttl, R | F, 1, 1, 1, "generic", "1.0.0",
            "Get the time to live for a key in seconds"),
    COMMAND("pttl", 2, pttl, R | F, 1, 1, 1, "generic", "2.6.0",
            "Get the time to live for a key in milliseconds"),
    COMMAND("expiretime", 2, expiretime, R | F, 1, 1, 1, "generic", "7.0.0",
            "Get the expiration Unix timestamp for a key"),
    COMMAND("pexpiretime", 2, pexpiretime, R | F, 1, 1, 1, "generic", "7.0.0",
            "Get the expiration Unix timestamp for a key in milliseconds"),
    COMMAND("persist", 2, persist, W | F | E, 1, 1, 1, "generic", "2.2.0",
            "Remove the expiration from a key"),
    COMMAND("keys", 2, keys, R, 0, 0, 0, "generic", "1.0.0",
            "Find all keys matching the given pattern"),
    COMMAND("scan", -2, scan, R, 0, 0, 0, "generic", "2.8.0",
            "Incrementally iterate the keys space"),
    COMMAND("randomkey", 1, randomkey, R, 0, 0, 0, "generic", "1.0.0",
            "Return a random key from the keyspace"),
    COMMAND("dbsize", 1, dbsize, R | F, 0, 0, 0, "server", "1.0.0",
            "Return the number of keys in the selected database"),
    COMMAND("flushdb", -1, flush, W | A, 0, 0, 0, "server", "1.0.0",
            "Remove all keys from the current database"),
    COMMAND("flushall", -1, flush, W | A, 0, 0, 0, "server", "1.0.0",
            "Remove all keys from all databases"),

    COMMAND("ping", -1, ping, F | O | S, 0, 0, 0, "connection", "1.0.0", "Ping the server"),
    COMMAND("echo", 2, echo, F, 0, 0, 0, "connection", "1.0.0", "Echo the given string"),
    COMMAND("hello", -1, hello, F | O, 0, 0, 0, "connection", "6.0.0", "Handshake with Redis"),
    COMMAND("auth", -2, auth, F | O, 0, 0, 0, "connection", "1.0.0", "Authenticate to the server"),
    COMMAND("select", 2, select, F, 0, 0, 0, "connection", "1.0.0",
            "Change the selected database for the current connection"),
    COMMAND("client", -2, client, 0, 0, 0, 0, "connection", "2.4.0",
            "A container for client connection commands"),
    COMMAND("quit", -1, quit, F | O | S, 0, 0, 0, "connection", "1.0.0", "Close the connection"),
    COMMAND("reset", 1, reset, F | O | S, 0, 0, 0, "connection", "6.2.0", "Reset the connection"),
    COMMAND("subscribe", -2, subscribe, S, 0, 0, 0, "pubsub", "2.0.0",
            "Listen for messages published to the given channels"),
    COMMAND("unsubscribe", -1, unsubscribe, S, 0, 0, 0, "pubsub", "2.0.0",
            "Stop listening for messages posted to the given channels"),
    COMMAND("psubscribe", -2, psubscribe, S, 0, 0, 0, "pubsub", "2.0.0",
            "Listen for messages published to channels matching the given patterns"),
    COMMAND("punsubscribe", -1, punsubscribe, S, 0, 0, 0, "pubsub", "2.0.0",
            "Stop listening for messages posted to channels matching the given patterns"),
    COMMAND("publish", 3, publish, F, 0, 0, 0, "pubsub", "2.0.0", "Post a message to a channel"),
    COMMAND("pubsub", -2, pubsub, 0, 0, 0, 0, "pubsub", "2.8.0",
            "A container for Pub/Sub commands"),
    COMMAND("command", -1, command, 0, 0, 0, 0, "server", "2.8.13",
            "Get array of Redis command details"),
    COMMAND("config", -2, config, A, 0, 0, 0, "server", "2.0.0",
            "A container for server configuration commands"),
    COMMAND("slowlog", -2, slowlog, A, 0, 0, 0, "server", "2.2.12",
            "A container for slow log commands"),
    COMMAND("info", -1, info, 0, 0, 0, 0, "server", "1.0.0",
            "Get information and statistics about the server"),
    COMMAND("time", 1, time, F, 0, 0, 0, "server", "2.6.0", "Return the current server time"),
#undef COMMAND
    {0},
};

static_assert(sizeof resp_commands / sizeof *resp_commands <= UINT8_MAX, "a place is a byte");
