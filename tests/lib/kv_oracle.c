/* SPDX-License-Identifier: MIT */
#include "kv_oracle.h"

#include <stdlib.h>

#include "abi.pb-c.h"
#include "abi_bytes.pb-c.h"
#include "core/loop.h"
#include "core/task.h"
#include "fake_request.h"
#include "kv_oracle_compare.h"
#include "services/kv/faces/protobuf/request_usual.h"
#include "services/payload/protobuf/reader.h"
#include "services/payload/protobuf/writer.h"

/* True if `what` is a reason for which our decoder refuses by design and protobuf-c accepts. */
static bool is_stricter(const char *what)
{
    return strcmp(what, "a string is not UTF-8") == 0 ||
           strcmp(what, "a field number is out of range") == 0 ||
           strcmp(what, "a version is not of 16 bytes") == 0 ||
           strcmp(what, "a bool is of another wire type") == 0;
}

/* Returns the lowest number of an unknown field that could be a command, or 0. */
static uint32_t lowest_unknown(const ProtobufCMessage *message)
{
    uint32_t lowest = 0;
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        if (field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
            (lowest == 0 || field->tag < lowest))
            lowest = field->tag;
    }
    return lowest;
}

/* Merging, by its definition: a message that comes twice where there may be one is the message whose
 * bytes are those of both, one behind the other. So this writes each such message once, and protobuf-c,
 * which in version 1.4 replaces members of a oneof and loses members of merged ones, can be the judge
 * of the result. */

struct bytes {
    uint8_t *data;
    size_t size;
};

static uint8_t *room(size_t size)
{
    uint8_t *data = malloc(size + 1);
    if (!data)
        abort();
    return data;
}

static void append(struct bytes *bytes, struct weft_view more)
{
    if (more.size > 0)
        memcpy(bytes->data + bytes->size, more.data, more.size);
    bytes->size += more.size;
}

static void put_merged(struct bytes *out, struct weft_view message,
                       const ProtobufCMessageDescriptor *type);

static void put_message(struct bytes *out, const ProtobufCFieldDescriptor *field,
                        struct weft_view contents)
{
    struct bytes inner = {room(contents.size), 0};
    put_merged(&inner, contents, field->descriptor);
    uint8_t *end = out->data + out->size;
    out->size +=
        (size_t)(weft_pb_put_bytes(end, field->id, weft_view(inner.data, inner.size)) - end);
    free(inner.data);
}

/* Messages of one field that wait to be written as one. */
struct pending {
    const ProtobufCFieldDescriptor *field;
    struct bytes contents;
};

static void flush(struct pending *pending, struct bytes *out)
{
    if (pending->field)
        put_message(out, pending->field, weft_view(pending->contents.data, pending->contents.size));
    pending->field = NULL;
    pending->contents.size = 0;
}

/* True if both are members of one oneof, of which the later one replaces the earlier one. */
static bool are_rivals(const ProtobufCFieldDescriptor *a, const ProtobufCFieldDescriptor *b)
{
    return a && b && a != b && a->flags & b->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
           a->quantifier_offset == b->quantifier_offset;
}

/* No message of proto/abi.proto has two fields of messages that are neither repeated nor of a oneof, so
 * one pending field is enough. message is well formed; what is written is not longer. */
static void put_merged(struct bytes *out, struct weft_view message,
                       const ProtobufCMessageDescriptor *type)
{
    struct weft_pb_budget budget = {.elements = UINT64_MAX};
    struct weft_pb_reader reader = weft_pb_read(message, type, &budget);
    struct weft_pb_field field;
    struct pending pending = {NULL, {room(message.size), 0}};
    while (weft_pb_next(&reader, &field) > 0) {
        if (!field.descriptor || field.descriptor->type != PROTOBUF_C_TYPE_MESSAGE) {
            if (are_rivals(field.descriptor, pending.field))
                flush(&pending, out);
            append(out, field.raw);
        } else if (field.descriptor->label == PROTOBUF_C_LABEL_REPEATED) {
            put_message(out, field.descriptor, field.bytes);
        } else {
            if (pending.field != field.descriptor)
                flush(&pending, out);
            pending.field = field.descriptor;
            append(&pending.contents, field.bytes);
        }
    }
    flush(&pending, out);
    free(pending.contents.data);
}

static AbiBytes__CommandRequest *unpack_merged(struct weft_view payload)
{
    struct bytes merged = {room(payload.size), 0};
    put_merged(&merged, payload, &abi__command_request__descriptor);
    AbiBytes__CommandRequest *request =
        abi_bytes__command_request__unpack(NULL, merged.size, merged.data);
    free(merged.data);
    return request;
}

static bool same_bytes(ProtobufCBinaryData theirs, struct weft_view ours)
{
    return weft_view_equal(weft_view(theirs.data, theirs.len), ours);
}

static const char *compare_watch(const AbiBytes__Watch *watch, const struct kv_watch_spec *ours)
{
    static const ProtobufCBinaryData none;
    bool one = watch->keys_case == ABI_BYTES__WATCH__KEYS_KEY;
    bool prefix = watch->keys_case == ABI_BYTES__WATCH__KEYS_PREFIX;
    if (!same_bytes(watch->table, ours->table) || !watch->all_tables != !ours->all)
        return "a watch's tables";
    if (one != ours->one || !same_bytes(one      ? watch->key
                                        : prefix ? watch->prefix
                                                 : none,
                                        ours->key))
        return "a watch's keys";
    if (!watch->versions != !ours->versions)
        return "a watch's versions";
    return watch->from == ours->from && !watch->only_number == !ours->only_number
               ? NULL
               : "a watch's number";
}

static const char *compare_login(const AbiBytes__Login *login, const struct kv_request *ours)
{
    return same_bytes(login->user, ours->user) && same_bytes(login->password, ours->secret)
               ? NULL
               : "a login";
}

static const char *compare_subscribe(const AbiBytes__Subscribe *theirs,
                                     const struct kv_topic_spec *ours)
{
    return same_bytes(theirs->topic, ours->topic) && !theirs->pattern == !ours->is_pattern &&
                   !theirs->end_if_slow == !ours->end_if_slow
               ? NULL
               : "a subscribe";
}

static const char *compare_unsubscribe(const AbiBytes__Unsubscribe *theirs,
                                       const struct kv_topic_spec *ours)
{
    return same_bytes(theirs->topic, ours->topic) && theirs->id == ours->id ? NULL
                                                                            : "an unsubscribe";
}

static const char *compare_publish(const AbiBytes__Publish *theirs,
                                   const struct kv_topic_spec *ours)
{
    if (!same_bytes(theirs->topic, ours->topic) || theirs->n_data != ours->count)
        return "a publish";
    for (size_t i = 0; i < ours->count; i++)
        if (!kv_oracle_same_value(theirs->data[i], ours->data[i]))
            return "a value that is published";
    return NULL;
}

/* Returns the outcome that our decoder owes for a request that has a command. */
static enum kv_decoded expected_of(const AbiBytes__CommandRequest *request)
{
    switch (request->request_data_case) {
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_WATCH:
        return KV_DECODED_WATCH;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_LOGIN:
        return KV_DECODED_LOGIN;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_SUBSCRIBE:
        return KV_DECODED_SUBSCRIBE;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_UNSUBSCRIBE:
        return KV_DECODED_UNSUBSCRIBE;
    case ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_PUBLISH:
        return KV_DECODED_PUBLISH;
    default:
        break;
    }
    bool has_no_pair =
        request->request_data_case == ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA_HSET &&
        !request->hset->pair;
    return has_no_pair ? KV_DECODED_NO_PAIR : KV_DECODED;
}

static const char *compare(const AbiBytes__CommandRequest *request, enum kv_decoded decoded,
                           const struct kv_request *ours, const struct kv_call *call)
{
    int64_t now = weft_loop_wall(ours->loop);
    if (!request)
        return "whether it is well formed: ours accepts";
    if (request->request_data_case != ABI_BYTES__COMMAND_REQUEST__REQUEST_DATA__NOT_SET) {
        if (decoded != expected_of(request))
            return "the outcome";
        if (decoded == KV_DECODED_WATCH)
            return compare_watch(request->watch, &ours->watch);
        if (decoded == KV_DECODED_LOGIN)
            return compare_login(request->login, ours);
        if (decoded == KV_DECODED_SUBSCRIBE)
            return compare_subscribe(request->subscribe, &ours->topic);
        if (decoded == KV_DECODED_UNSUBSCRIBE)
            return compare_unsubscribe(request->unsubscribe, &ours->topic);
        if (decoded == KV_DECODED_PUBLISH)
            return compare_publish(request->publish, &ours->topic);
        return kv_oracle_compare(request, call, now);
    }

    uint32_t unknown = lowest_unknown(&request->base);
    if (decoded != (unknown == 0 ? KV_DECODED_NO_COMMAND : KV_DECODED_UNKNOWN))
        return "the outcome without a command";
    return unknown == ours->field ? NULL : "the lowest unknown field";
}

/* Checks that protobuf-c refuses what our decoder refused. protobuf-c also refuses some well-formed
 * requests, in which messages come twice. */
static const char *compare_refused(struct weft_view payload, const struct kv_request *ours)
{
    AbiBytes__CommandRequest *request =
        abi_bytes__command_request__unpack(NULL, payload.size, payload.data);
    bool refused = !request || is_stricter(ours->what);
    abi_bytes__command_request__free_unpacked(request, NULL);
    return refused ? NULL : "whether it is well formed: ours refuses";
}

static bool same_item(const struct kv_item *a, const struct kv_item *b, enum kv_takes takes)
{
    return weft_view_equal(a->key, b->key) &&
           (takes < KV_TAKES_PAIRS || weft_view_equal(a->value.bytes, b->value.bytes));
}

static bool same_call(const struct kv_call *a, const struct kv_call *b)
{
    if (a->command != b->command || !weft_view_equal(a->table, b->table) || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_item(&a->items[i], &b->items[i], a->command->takes))
            return false;
    return true;
}

/* Compares the verdicts and calls of the short and the long way through a request, for a budget of
 * `elements`. */
static const char *compare_ways(struct fake_request *fake, struct weft_loop *loop,
                                uint64_t elements)
{
    struct kv_call quick, slow;
    struct kv_request with = {.request = &fake->request, .loop = loop, .max_elements = elements};
    struct kv_request without = with;
    if (!kv_request_decode_usual(&with, fake->request.payload, &quick))
        return NULL;
    if (kv_request_decode_any(&without, fake->request.payload, &slow) != KV_DECODED)
        return "whether it is usual: the long way refuses it";
    return same_call(&quick, &slow) ? NULL : "what the short and the long way read";
}

const char *kv_oracle_differs(struct weft_view payload)
{
    static const uint64_t budgets[] = {0, 1, 2, 3, UINT64_MAX};
    const char *difference = NULL;
    struct fake_request fake;
    struct weft_loop *loop;
    struct kv_call call;
    if (weft_loop_new(&loop, 0) < 0)
        abort();
    fake_request_init(&fake, payload, SIZE_MAX);
    for (size_t i = 0; !difference && i < sizeof budgets / sizeof *budgets; i++)
        difference = compare_ways(&fake, loop, budgets[i]);

    struct kv_request ours = {.request = &fake.request, .loop = loop, .max_elements = UINT64_MAX};
    enum kv_decoded decoded = kv_request_decode(&ours, fake.request.payload, &call);
    if (!difference && decoded == KV_DECODED_MALFORMED) {
        difference = compare_refused(payload, &ours);
    } else if (!difference) {
        AbiBytes__CommandRequest *request = unpack_merged(payload);
        difference = compare(request, decoded, &ours, &call);
        abi_bytes__command_request__free_unpacked(request, NULL);
    }
    fake_request_fini(&fake);
    weft_loop_free(loop);
    return difference;
}

struct weft_bytes kv_oracle_repack(struct weft_view payload)
{
    AbiBytes__CommandRequest *request = unpack_merged(payload);
    if (!request)
        return (struct weft_bytes){NULL, 0};
    size_t size = abi_bytes__command_request__get_packed_size(request);
    struct weft_bytes packed = {room(size), size};
    (void)abi_bytes__command_request__pack(request, packed.data);
    abi_bytes__command_request__free_unpacked(request, NULL);
    return packed;
}
