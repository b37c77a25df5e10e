/* SPDX-License-Identifier: MIT
 *
 * A thousand clients of the library over one session to crowd.go, which sends back what it gets: every third stream is
 * reset by the server in the middle, every third closes itself with answers under way, and the first is not read.
 *
 *     crowd URL     prints "flowed" once all but the first have come to their end, and then "ok" */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codecs/codecs.h"
#include "core/base/compiler.h"
#include "core/client.h"
#include "core/loop.h"
#include "transports/transports.h"

enum { CLIENTS = 1000, SIZE = 4096, LARGE = 1 << 20, ROUNDS = 5, CLOSES_IN = 2 };

struct member {
    struct crowd *crowd;
    struct weft_client *client; /* NULL: it has closed itself */
    struct question {
        struct weft_call call;
        struct member *member;
    } questions[2];
    unsigned number, round;
};

struct crowd {
    struct weft_loop *loop;
    struct weft_registry registry;
    const char *url;
    struct member members[CLIENTS];
    unsigned done, served, reset, closed;
};

static _Noreturn void fail(const struct member *member, const char *what)
{
    fprintf(stderr, "client %u in round %u: %s\n", member->number, member->round, what);
    exit(1);
}

/* The bytes of a round of a client: no other has them. */
static struct weft_view request_of(const struct member *member)
{
    static uint8_t bytes[LARGE];
    size_t size = member->number == 0 ? LARGE : SIZE;

    for (size_t i = 0; i + 4 <= size; i += 4)
        weft_store_be32(bytes + i, (uint32_t)(i + 8191 * member->number + member->round));
    return weft_view(bytes, size);
}

static void ask(struct question *question)
{
    struct member *member = question->member;
    const struct weft_body_bytes body = weft_body_from_view(request_of(member));
    struct weft_error error;

    if (weft_client_call(member->client, &question->call, &body.body, &error) < 0)
        fail(member, error.text);
}

static void finish(struct member *member)
{
    struct crowd *crowd = member->crowd;

    if (member->number == 0) {
        weft_loop_stop(crowd->loop);
    } else if (++crowd->done == CLIENTS - 1) {
        printf("flowed\n");
        fflush(stdout);
    }
}

static void close_in_the_middle(struct member *member)
{
    struct weft_client *client = member->client;

    ask(&member->questions[0]);
    ask(&member->questions[1]);
    member->client = NULL;
    weft_client_close(client);
    member->crowd->closed++;
    finish(member);
}

static void on_done(struct weft_call *call, int status, struct weft_view payload, bool last)
{
    struct member *member = weft_container_of(call, struct question, call)->member;

    (void)last;
    if (status == -ECANCELED)
        return;
    if (status == -ECONNRESET && member->number % 3 == 2 && member->round > 0) {
        member->crowd->reset++;
        finish(member);
        return;
    }
    if (status < 0)
        fail(member, weft_client_trouble(member->client));
    const struct weft_view request = request_of(member);
    if (payload.size != request.size || memcmp(payload.data, request.data, request.size) != 0)
        fail(member, "the answer is not what was sent");
    member->round++;
    if (member->number % 3 == 1 && member->round == CLOSES_IN) {
        close_in_the_middle(member);
    } else if (member->round == ROUNDS || member->number == 0) {
        member->crowd->served++;
        finish(member);
    } else {
        ask(&member->questions[0]);
    }
}

static int join(struct crowd *crowd, struct member *member, struct weft_error *error)
{
    const struct weft_client_options options = {
        .registry = &crowd->registry,
        .loop = crowd->loop,
        .url = crowd->url,
        .beside = member == crowd->members ? NULL : crowd->members[0].client,
        .codec = "raw",
        .limits = weft_limits_default(),
        .data = member,
    };
    return weft_client_new(&member->client, &options, error);
}

static void begin(struct crowd *crowd)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct member *member = &crowd->members[i];
        struct weft_error error;
        *member = (struct member){.crowd = crowd, .number = i};
        for (int k = 0; k < 2; k++) {
            member->questions[k].call.done = on_done;
            member->questions[k].member = member;
        }
        if (join(crowd, member, &error) < 0)
            fail(member, error.text);
        ask(&member->questions[0]);
    }
}

/* The server has said GO_AWAY in front of the first one's answer. */
static void check_that_no_more_are_taken(struct crowd *crowd)
{
    struct member *late = &crowd->members[1]; /* it has closed itself */
    struct weft_error error;

    if (join(crowd, late, &error) != -ECONNREFUSED || !strstr(error.text, "takes none"))
        fail(late, "a stream was opened behind GO_AWAY");
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    static struct crowd crowd;
    unsigned descriptors = count_descriptors();

    crowd.url = argc == 2 ? argv[1] : "";
    if (weft_registry_add_transport(&crowd.registry, &weft_transport_tcp) < 0 ||
        weft_registry_add_transport(&crowd.registry, &weft_transport_yamux) < 0 ||
        weft_registry_add_codec(&crowd.registry, &weft_codec_raw) < 0 ||
        weft_loop_new(&crowd.loop, 64) < 0)
        return 1;
    begin(&crowd);
    weft_loop_run(crowd.loop);
    check_that_no_more_are_taken(&crowd);
    for (unsigned i = CLIENTS; i-- > 0;)
        if (crowd.members[i].client)
            weft_client_close(crowd.members[i].client);
    weft_loop_free(crowd.loop);
    if (count_descriptors() != descriptors) {
        fprintf(stderr, "descriptors are left\n");
        return 1;
    }
    printf("ok: %u served, %u reset, %u closed\n", crowd.served, crowd.reset, crowd.closed);
    return 0;
}
