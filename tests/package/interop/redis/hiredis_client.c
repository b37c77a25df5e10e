/* SPDX-License-Identifier: MIT
 *
 * hiredis against kvs: hiredis_client HOST PORT. Prints what is wrong. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

static void must(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "does not hold: %s\n", what);
    exit(1);
}

static redisReply *ask(redisContext *context, int type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(context, format, args);
    va_end(args);
    must(reply != NULL, context->errstr);
    if (reply->type != type)
        fprintf(stderr, "%s: type %d, not %d\n", format, reply->type, type);
    must(reply->type == type, "the type of a reply");
    return reply;
}

static void expect_text(redisContext *context, int type, const char *text, const char *command)
{
    redisReply *reply = ask(context, type, command);
    must(strcmp(reply->str, text) == 0, command);
    freeReplyObject(reply);
}

static void expect_number(redisContext *context, long long number, const char *command)
{
    redisReply *reply = ask(context, REDIS_REPLY_INTEGER, command);
    must(reply->integer == number, command);
    freeReplyObject(reply);
}

static void ask_binary(redisContext *context)
{
    static const char value[] = "a\0\r\n\xff";
    freeReplyObject(
        ask(context, REDIS_REPLY_STATUS, "SET %b %b", "c:bin", (size_t)5, value, sizeof value));
    redisReply *reply = ask(context, REDIS_REPLY_STRING, "GET %s", "c:bin");
    must(reply->len == sizeof value && memcmp(reply->str, value, sizeof value) == 0, "any bytes");
    freeReplyObject(reply);
}

static void pipeline(redisContext *context)
{
    enum { COUNT = 2000 };
    redisReply *reply;
    for (int i = 0; i < COUNT; i++)
        redisAppendCommand(context, "HSET c:hash field%d %d", i, i);
    for (int i = 0; i < COUNT; i++) {
        must(redisGetReply(context, (void **)&reply) == REDIS_OK, "a pipelined reply");
        must(reply->type == REDIS_REPLY_INTEGER && reply->integer == 1, "a new field");
        freeReplyObject(reply);
    }
    reply = ask(context, REDIS_REPLY_ARRAY, "HGETALL c:hash");
    must(reply->elements == 2 * COUNT, "all fields");
    freeReplyObject(reply);
}

int main(int argc, char **argv)
{
    redisContext *context = argc == 3 ? redisConnect(argv[1], atoi(argv[2])) : NULL;
    must(context && !context->err, "a connection");
    expect_text(context, REDIS_REPLY_STATUS, "PONG", "PING");
    expect_text(context, REDIS_REPLY_STATUS, "OK", "SET c:a hello");
    expect_text(context, REDIS_REPLY_STRING, "hello", "GET c:a");
    expect_number(context, 2, "HSET c:h f 1 g 2");
    expect_text(context, REDIS_REPLY_STRING, "2", "HGET c:h g");
    expect_number(context, 1, "HDEL c:h f nosuch");
    expect_number(context, 1, "DEL c:a");
    freeReplyObject(ask(context, REDIS_REPLY_NIL, "GET c:a"));
    freeReplyObject(ask(context, REDIS_REPLY_ERROR, "NOSUCH"));
    ask_binary(context);
    pipeline(context);
    redisFree(context);
    return 0;
}
