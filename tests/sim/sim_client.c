/* SPDX-License-Identifier: MIT */
#include "sim_client.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/base/bytes.h"

#define GZIP_BIT (UINT32_C(1) << 31)

static uint8_t *reserve(struct sim_bytes *bytes, size_t size)
{
    if (bytes->begin == bytes->end)
        bytes->begin = bytes->end = 0;
    if (bytes->cap - bytes->end < size) {
        bytes->cap = 2 * (bytes->end + size);
        bytes->data = realloc(bytes->data, bytes->cap);
        if (!bytes->data)
            abort();
    }
    return bytes->data + bytes->end;
}

void sim_client_init(struct sim_client *client, uint64_t seed, uint32_t id, bool gzip,
                     enum sim_manners manners, uint32_t requests)
{
    *client = (struct sim_client){
        .seed = seed, .id = id, .gzip = gzip, .manners = manners, .requests = requests};
}

void sim_client_fini(struct sim_client *client)
{
    if (client->end)
        script_close(client->end);
    client->end = NULL;
    free(client->out.data);
    free(client->in.data);
}

static void put_header(struct sim_client *client, uint32_t header)
{
    weft_store_be32(reserve(&client->out, 4), header);
    client->out.end += 4;
}

/* One gzip member (RFC 1952) whose payload is stored, not compressed: that says all about reading
 * one, and costs little. At most 65535 bytes. */
static void put_gzip(struct sim_client *client, const struct sim_request *request)
{
    enum { BEFORE = 15, AFTER = 8 };
    static const uint8_t start[BEFORE] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1};
    uint8_t *dst;
    uint32_t crc, size = request->size;

    put_header(client, GZIP_BIT | (BEFORE + size + AFTER));
    dst = reserve(&client->out, BEFORE + size + AFTER);
    memcpy(dst, start, BEFORE);
    dst[11] = (uint8_t)size;
    dst[12] = (uint8_t)(size >> 8);
    dst[13] = (uint8_t)~dst[11];
    dst[14] = (uint8_t)~dst[12];
    sim_write_payload(request, dst + BEFORE);
    crc = (uint32_t)crc32(0, dst + BEFORE, size);
    for (int i = 0; i < 4; i++) {
        dst[BEFORE + size + (uint32_t)i] = (uint8_t)(crc >> 8 * i);
        dst[BEFORE + size + 4 + (uint32_t)i] = (uint8_t)(size >> 8 * i);
    }
    client->out.end += BEFORE + size + AFTER;
}

static void put_request(struct sim_client *client)
{
    struct sim_request request = sim_plan(client->seed, client->id, client->made, client->gzip);

    client->made++;
    if (client->gzip && request.index % 8 == 1 && request.kind < SIM_KINDS &&
        request.size < SIM_MAX_FRAME - 100) {
        put_gzip(client, &request);
        return;
    }
    put_header(client, request.size | (request.kind == SIM_MALFORMED ? GZIP_BIT : 0));
    sim_write_payload(&request, reserve(&client->out, request.size));
    client->out.end += request.size;
}

/* Puts what comes behind the last request. */
static void put_last(struct sim_client *client)
{
    switch (client->manners) {
    case SIM_LOSES:
        put_header(client, 5 * SIM_MAX_FRAME);
        break;
    case SIM_TRUNCATES:
    case SIM_FALLS_SILENT:
        put_header(client, 100);
        client->out.end -= client->id % 4;
        break;
    default:
        break;
    }
}

static void finish_sending(struct sim_client *client)
{
    client->all_sent = true;
    switch (client->manners) {
    case SIM_RESETS:
        script_reset(client->end);
        client->end = NULL;
        break;
    case SIM_HANGS_UP:
        script_close(client->end);
        client->end = NULL;
        break;
    case SIM_NEVER_READS:
    case SIM_FALLS_SILENT:
        break;
    default:
        script_shutdown(client->end);
    }
}

void sim_client_send(struct sim_client *client, size_t size)
{
    if (!client->end || client->all_sent)
        return;
    while (client->out.end - client->out.begin < size && client->made < client->requests) {
        put_request(client);
        if (client->made == client->requests)
            put_last(client);
    }
    if (size > client->out.end - client->out.begin)
        size = client->out.end - client->out.begin;
    script_send(client->end, client->out.data + client->out.begin, size);
    client->out.begin += size;
    if (client->out.begin == client->out.end && client->made == client->requests)
        finish_sending(client);
}

/* A rejection's cause, or -1. */
static int rejection_in(const uint8_t *message, size_t size)
{
    uint8_t words[WEFT_REJECT_MAX];

    for (int cause = WEFT_REJECT_MALFORMED; cause <= WEFT_REJECT_REPLY_TOO_BIG; cause++) {
        size_t length = sim_write_rejection((enum weft_reject_cause)cause, words);
        if (size == length && memcmp(message, words, size) == 0)
            return cause;
    }
    return -1;
}

/* The next request that is to be answered at all, or false: none was sent. */
static bool next_expected(struct sim_client *client, struct sim_request *request)
{
    while (client->index < client->made) {
        *request = sim_plan(client->seed, client->id, client->index, client->gzip);
        if (request->kind != SIM_SILENT)
            return true;
        client->index++;
        client->executed++;
    }
    return false;
}

/* cause: of the rejection that came, -1 for a reply. */
static bool is_expected(const struct sim_request *request, int cause)
{
    switch (request->kind) {
    case SIM_HUGE:
        return cause == WEFT_REJECT_REPLY_TOO_BIG;
    case SIM_OVERSIZE:
        return cause == WEFT_REJECT_TOO_BIG;
    case SIM_MALFORMED:
        /* The bytes that should be its size may say that it is too big. */
        return cause == WEFT_REJECT_MALFORMED || cause == WEFT_REJECT_TOO_BIG;
    default:
        return cause == -1;
    }
}

static const char *check_reply(const struct sim_request *request, uint32_t n,
                               const uint8_t *message, size_t size)
{
    uint8_t expected[SIM_MAX_MESSAGE];

    if (size != sim_reply_size(request))
        return "a reply of another size";
    sim_write_reply(request, n, expected);
    return memcmp(message, expected, size) == 0 ? NULL : "a reply of other bytes";
}

/* A rejection that any request may be answered with. True: it was one. */
static bool hear_refusal(struct sim_client *client, int cause)
{
    switch (cause) {
    case WEFT_REJECT_TOO_MANY:
        if (client->index > 0 || client->reply > 0)
            client->wrong = "a refusal after a reply";
        client->refused = true;
        return true;
    case WEFT_REJECT_DRAINING:
    case WEFT_REJECT_NO_MEMORY:
        if (client->reply > 0)
            client->wrong = "a refusal within a reply";
        client->drained = client->drained || cause == WEFT_REJECT_DRAINING;
        client->index++;
        return true;
    default:
        return false;
    }
}

/* A message of a request whose place is behind us. Returns true if this was one: all of them come, one
 * after the other, between the replies of others. */
static bool hear_push(struct sim_client *client, const uint8_t *message, size_t size)
{
    struct sim_request said, request;

    if (size < SIM_HEADER)
        return false;
    memcpy(&said, message, SIM_HEADER);
    if (said.kind != SIM_LOOSE || said.client != client->id || said.index >= client->index)
        return false;
    request = sim_plan(client->seed, client->id, said.index, client->gzip);
    if (request.kind != SIM_LOOSE || client->pushed[said.index] == 0 ||
        client->pushed[said.index] >= request.replies)
        client->wrong = "a push of nobody";
    else
        client->wrong = check_reply(&request, client->pushed[said.index]++, message, size);
    return true;
}

static void hear(struct sim_client *client, const uint8_t *message, size_t size)
{
    int cause = rejection_in(message, size);
    struct sim_request request;

    if (hear_push(client, message, size))
        return;
    if (client->refused) {
        client->wrong = "more after the server was full";
        return;
    }
    if (client->index == 0 && client->reply == 0 && cause == WEFT_REJECT_DRAINING &&
        client->made == 0) {
        client->refused = client->drained = true;
        return;
    }
    if (hear_refusal(client, cause))
        return;
    if (!next_expected(client, &request)) {
        /* A frame that is no request of the plan has words as well. */
        if (client->manners != SIM_LOSES || cause != WEFT_REJECT_TOO_BIG)
            client->wrong = "a reply to nothing";
        return;
    }
    if (client->drained) {
        client->wrong = "a reply after the server had begun to drain";
        return;
    }
    if (!is_expected(&request, cause)) {
        client->wrong = "a rejection, or none";
        return;
    }
    if (cause < 0)
        client->wrong = check_reply(&request, client->reply, message, size);
    if (request.kind == SIM_LOOSE)
        client->pushed[client->index] = 1;
    else if (++client->reply < request.replies)
        return;
    client->reply = 0;
    client->index++;
    if (request.kind < SIM_KINDS)
        client->executed++;
}

static void inflate_and_hear(struct sim_client *client, const uint8_t *data, size_t size)
{
    uint8_t message[SIM_MAX_MESSAGE];
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)data,
        .avail_in = (uInt)size,
        .next_out = message,
        .avail_out = sizeof message,
    };

    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        abort();
    if (inflate(&z, Z_FINISH) != Z_STREAM_END || z.avail_in != 0)
        client->wrong = "a reply that is no gzip";
    inflateEnd(&z);
    if (!client->wrong)
        hear(client, message, z.total_out);
}

static void look_at_frames(struct sim_client *client)
{
    while (!client->wrong && client->in.end - client->in.begin >= 4) {
        const uint8_t *data = client->in.data + client->in.begin;
        uint32_t header = weft_load_be32(data);
        uint32_t size = client->gzip ? header & ~GZIP_BIT : header;

        if (client->in.end - client->in.begin - 4 < size)
            return;
        if (size != header)
            inflate_and_hear(client, data + 4, size);
        else
            hear(client, data + 4, size);
        client->in.begin += 4 + (size_t)size;
    }
}

void sim_client_read(struct sim_client *client, size_t size)
{
    size_t ready;
    const uint8_t *data;

    if (!client->end)
        return;
    data = script_received(client->end, &ready);
    if (size > ready)
        size = ready;
    if (size > 0) {
        memcpy(reserve(&client->in, size), data, size);
        client->in.end += size;
        script_consume(client->end, size);
        look_at_frames(client);
    }
    client->reset = script_is_reset(client->end);
    client->eof = size == ready && script_at_eof(client->end);
    if (!client->eof)
        return;
    if (client->in.begin != client->in.end && !client->wrong)
        client->wrong = "an end within a reply";
    script_close(client->end);
    client->end = NULL;
}

bool sim_client_is_answered(struct sim_client *client)
{
    struct sim_request request;

    /* A frame that was lost ends the pushes, and only those. */
    for (uint32_t i = 0; i < client->made && client->manners == SIM_POLITE; i++) {
        request = sim_plan(client->seed, client->id, i, client->gzip);
        if (request.kind == SIM_LOOSE && client->pushed[i] != 0 &&
            client->pushed[i] != request.replies)
            return false;
    }
    return !next_expected(client, &request);
}

bool sim_client_is_done(const struct sim_client *client)
{
    bool waits = client->manners == SIM_NEVER_READS || client->manners == SIM_FALLS_SILENT;

    return !client->end || client->reset || client->eof || (waits && client->all_sent);
}
