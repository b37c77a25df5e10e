/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>

#include "abi.h"
#include "abi.pb-c.h"
#include "core/service.h"
#include "services/payload/protobuf/reader.h"
#include "services/payload/protobuf/writer.h"

static const enum kv_command_id command_of_field[] = {
    [ABI_HGET] = KV_HGET,   [ABI_HGETALL] = KV_HGETALL, [ABI_HMGET] = KV_HMGET,
    [ABI_HSET] = KV_HSET,   [ABI_HMSET] = KV_HMSET,     [ABI_HDEL] = KV_HDEL,
    [ABI_HMDEL] = KV_HMDEL, [ABI_HEXIST] = KV_HEXIST,   [ABI_HMEXIST] = KV_HMEXIST,
    [ABI_HSCAN] = KV_HSCAN,
};

struct decoder {
    struct weft_pb_budget budget;
    struct weft_request *request;
    enum kv_decoded failure; /* why an allocation failed */
};

/* The fields of a request that make up its command: the last one, and those before it that have its
 * number, back to the last field of another command. proto3 merges them, as if the contents of all stood
 * side by side in one field. */
struct run {
    uint32_t number;                        /* 0: there is none */
    const ProtobufCMessageDescriptor *type; /* of the command */
    struct weft_view fields;                /* the request from the first of them on */
};

static void *allocate(struct decoder *self, size_t size)
{
    struct weft_arena *arena = weft_request_arena(self->request);
    void *p = weft_arena_alloc(arena, size);
    if (!p)
        self->failure = arena->over_budget ? KV_DECODED_BYTES : KV_DECODED_NO_MEMORY;
    return p;
}

/* True if a varint of ten bytes has bits beyond the 64th, which the reader dropped. */
static bool has_dropped_bits(const struct weft_pb_field *field)
{
    return field->wire == WEFT_PB_VARINT && field->raw.size > WEFT_PB_VARINT_MAX &&
           field->raw.data[field->raw.size - 1] > 1;
}

/* Sets *value to the packed form (value.h) of a Value whose last member is field. The member mostly lies
 * in the message in that form already; only if it does not, for instance because a varint is not
 * minimal, is it written anew. */
static int canonical_value(struct decoder *self, const struct weft_pb_field *field,
                           struct weft_view *value)
{
    enum { TAG = 1 };
    uint64_t scalar = field->scalar;
    if (field->descriptor->type == PROTOBUF_C_TYPE_BOOL)
        scalar = scalar != 0;
    size_t size;
    switch (field->wire) {
    case WEFT_PB_LENGTH:
        size = weft_pb_bytes_size(field->number, field->bytes.size);
        break;
    case WEFT_PB_VARINT:
        size = weft_pb_uint_size(field->number, scalar);
        break;
    default:
        size = TAG + sizeof scalar;
        break;
    }
    *value = field->raw;
    if (field->raw.size == size && scalar == field->scalar && !has_dropped_bits(field))
        return 0;

    uint8_t *dst = allocate(self, size);
    if (!dst)
        return -ENOMEM;
    *value = weft_view(dst, size);
    if (field->wire == WEFT_PB_LENGTH)
        (void)weft_pb_put_bytes(dst, field->number, field->bytes);
    else if (field->wire == WEFT_PB_VARINT)
        (void)weft_pb_put_uint(dst, field->number, scalar);
    else
        (void)weft_pb_put_fixed64(dst, field->number, scalar);
    return 0;
}

/* Reads a Value. One that comes twice in a pair is merged, so a second one without a member leaves
 * *value as the first one set it. */
static int decode_value(struct decoder *self, struct weft_view message, struct weft_view *value)
{
    struct weft_pb_reader reader = weft_pb_read(message, &abi__value__descriptor, &self->budget);
    struct weft_pb_field field, last = {0};
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (field.descriptor)
            last = field;
    }
    if (err < 0 || !last.descriptor)
        return err;
    return canonical_value(self, &last, value);
}

static int decode_pair(struct decoder *self, struct weft_view message, struct kv_item *item)
{
    struct weft_pb_reader reader = weft_pb_read(message, &abi__kvpair__descriptor, &self->budget);
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (!field.descriptor)
            continue;
        if (field.number == ABI_PAIR_KEY)
            item->key = field.bytes;
        else
            err = decode_value(self, field.bytes, &item->value.bytes);
        if (err < 0)
            break;
    }
    return err;
}

/* Returns a reader at the first field of a run. decode_request has taken these fields out of the
 * request's budget already, so the reader gets a budget of its own. */
static struct weft_pb_reader read_run(const struct run *run, struct weft_pb_budget *paid)
{
    paid->elements = UINT64_MAX;
    return weft_pb_read(run->fields, &abi__command_request__descriptor, paid);
}

/* Reads the next command of a run and skips what lies between. Returns what weft_pb_next does. */
static int next_command(struct weft_pb_reader *reader, const struct run *run,
                        struct weft_pb_field *command)
{
    int err;
    do
        err = weft_pb_next(reader, command);
    while (err > 0 && command->number != run->number);
    return err;
}

/* Adds the number of items that the rest of a command has, without looking into them. */
static int count_items(struct weft_pb_reader ahead, struct weft_pb_budget *budget, size_t *count)
{
    struct weft_pb_field field;
    int err;
    ahead.budget = budget;
    while ((err = weft_pb_next(&ahead, &field)) > 0)
        *count += field.number == ABI_COMMAND_ITEM;
    return err;
}

/* The place up to which a run is decoded: `commands` stands behind the current command, `fields` within
 * it. */
struct place {
    const struct run *run;
    struct weft_pb_reader commands, fields;
};

/* Adds the number of items that are left in a run. */
static int count_rest(const struct place *place, struct weft_pb_budget *budget, size_t *count)
{
    struct weft_pb_reader commands = place->commands;
    struct weft_pb_field command;
    int err = count_items(place->fields, budget, count);
    while (err == 0 && (err = next_command(&commands, place->run, &command)) > 0)
        err = count_items(weft_pb_read(command.bytes, place->run->type, budget), budget, count);
    return err;
}

/* Moves the items into the arena, with room for all that are left in the run. It is called once, when
 * the array in struct kv_request is full. */
static int make_room(struct decoder *self, const struct place *place, struct kv_call *call)
{
    /* The items are taken out of the budget when they are read, so they are counted on a copy. */
    struct weft_pb_budget budget = self->budget;
    size_t count = call->count + 1;
    int err = count_rest(place, &budget, &count);
    if (err < 0) {
        self->budget.what = budget.what;
        return err;
    }
    struct kv_item *items = allocate(self, count * sizeof *items);
    if (!items)
        return -ENOMEM;
    memcpy(items, call->items, call->count * sizeof *items);
    call->items = items;
    return 0;
}

static int decode_item(struct decoder *self, const struct place *place,
                       const struct weft_pb_field *field, struct kv_call *call)
{
    const struct kv_command *command = call->command;
    /* A command that takes one item merges a second occurrence into the first. */
    if (command->many || call->count == 0) {
        if (call->count == KV_REQUEST_ITEMS) {
            int err = make_room(self, place, call);
            if (err < 0)
                return err;
        }
        struct kv_item *fresh = &call->items[call->count++];
        fresh->key = weft_view(NULL, 0);
        fresh->value = (struct kv_value){{NULL, 0}, NULL};
        fresh->expires = KV_NEVER;
    }
    struct kv_item *item = &call->items[call->count - 1];
    if (command->takes == KV_TAKES_PAIRS)
        return decode_pair(self, field->bytes, item);
    item->key = field->bytes;
    return 0;
}

static void decode_page(const struct weft_pb_field *field, struct kv_call *call)
{
    if (field->number == ABI_HSCAN_CURSOR)
        call->from = field->bytes;
    else if (field->number == ABI_HSCAN_LIMIT)
        call->limit = (uint32_t)field->scalar;
}

/* Adds the fields of one command to the call. */
static int decode_fields(struct decoder *self, struct place *place, struct kv_call *call)
{
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&place->fields, &field)) > 0) {
        if (!field.descriptor)
            continue;
        if (field.number == ABI_COMMAND_TABLE)
            call->table = field.bytes;
        else if (call->command->takes == KV_TAKES_PAGE)
            decode_page(&field, call);
        else
            err = decode_item(self, place, &field, call);
        if (err < 0)
            break;
    }
    return err;
}

static int decode_run(struct decoder *self, const struct run *run, struct kv_call *call)
{
    struct weft_pb_budget paid;
    struct place place = {.run = run, .commands = read_run(run, &paid)};
    struct weft_pb_field command;
    int err;
    call->command = &kv_commands[command_of_field[run->number]];
    call->table = weft_view(NULL, 0);
    call->count = 0;
    call->from = weft_view(NULL, 0);
    call->limit = 0;
    while ((err = next_command(&place.commands, run, &command)) > 0) {
        place.fields = weft_pb_read(command.bytes, run->type, &self->budget);
        err = decode_fields(self, &place, call);
        if (err < 0)
            return err;
    }
    /* proto3 leaves an empty key out of the message, but it is a key. */
    if (call->count == 0 && call->command->takes == KV_TAKES_KEYS && !call->command->many) {
        call->items[0].key = weft_view(NULL, 0);
        call->count = 1;
    }
    return err;
}

/* Checks that the commands of a run which another one overrides are well formed. */
static int check_run(struct decoder *self, const struct run *run)
{
    struct weft_pb_budget paid;
    struct weft_pb_reader reader = read_run(run, &paid);
    struct weft_pb_field command;
    int err;
    while ((err = next_command(&reader, run, &command)) > 0) {
        err = weft_pb_check(command.bytes, run->type, &self->budget);
        if (err < 0)
            break;
    }
    return err;
}

/* Finds the last run of a request, without looking into it, and checks those before it. *unknown is the
 * lowest number of an unknown field that could be a command, or 0. */
static int decode_request(struct decoder *self, struct weft_view payload, struct run *run,
                          uint32_t *unknown)
{
    struct weft_pb_reader reader =
        weft_pb_read(payload, &abi__command_request__descriptor, &self->budget);
    struct weft_pb_field field;
    int err;
    run->number = 0;
    *unknown = 0;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        if (!field.descriptor) {
            if (field.wire == WEFT_PB_LENGTH && (*unknown == 0 || field.number < *unknown))
                *unknown = field.number;
            continue;
        }
        if (field.number == run->number)
            continue;
        if (run->number != 0) {
            run->fields.size = (size_t)(field.raw.data - run->fields.data);
            err = check_run(self, run);
            if (err < 0)
                break;
        }
        *run = (struct run){
            .number = field.number,
            .type = (const ProtobufCMessageDescriptor *)field.descriptor->descriptor,
            .fields = weft_view(field.raw.data, (size_t)(reader.end - field.raw.data)),
        };
    }
    return err;
}

WEFT_NOINLINE enum kv_decoded kv_request_decode_any(struct kv_request *self,
                                                    struct weft_view payload, struct kv_call *call)
{
    struct decoder decoder = {.budget.elements = self->max_elements, .request = self->request};
    struct run run;
    call->items = self->items;
    int err = decode_request(&decoder, payload, &run, &self->field);
    if (err == 0 && run.number != 0)
        err = decode_run(&decoder, &run, call);

    switch (err) {
    case 0:
        break;
    case WEFT_EMALFORMED:
        self->what = decoder.budget.what;
        return KV_DECODED_MALFORMED;
    case WEFT_ETOOBIG:
        return KV_DECODED_ELEMENTS;
    default:
        return decoder.failure;
    }
    if (run.number == 0)
        return self->field == 0 ? KV_DECODED_NO_COMMAND : KV_DECODED_UNKNOWN;
    return run.number == ABI_HSET && call->count == 0 ? KV_DECODED_NO_PAIR : KV_DECODED;
}
