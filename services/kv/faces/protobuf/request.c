/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <errno.h>

#include "abi.h"
#include "abi.pb-c.h"
#include "core/service.h"
#include "decoder.h"
#include "services/payload/protobuf/reader.h"
#include "services/payload/protobuf/writer.h"
#include "topic.h"
#include "watch.h"

static const enum kv_command_id command_of_field[] = {
    [ABI_HGET] = KV_HGET,         [ABI_HGETALL] = KV_HGETALL,    [ABI_HMGET] = KV_HMGET,
    [ABI_HSET] = KV_HSET,         [ABI_HMSET] = KV_HMSET,        [ABI_HDEL] = KV_HDEL,
    [ABI_HMDEL] = KV_HMDEL,       [ABI_HEXIST] = KV_HEXIST,      [ABI_HMEXIST] = KV_HMEXIST,
    [ABI_HSCAN] = KV_HSCAN,       [ABI_HPUT] = KV_HPUT,          [ABI_HINCR] = KV_HINCR,
    [ABI_HEXPIRE] = KV_HEXPIRE,   [ABI_TABLES] = KV_TABLES_PAGE, [ABI_DROP] = KV_TABLE_DROP,
    [ABI_COUNT] = KV_TABLE_COUNT,
};

/* The fields of a request that make up its command: the last one, and those before it that have its
 * number, back to the last field of another command. proto3 merges them, as if the contents of all stood
 * side by side in one field. */
struct run {
    uint32_t number;                        /* 0: there is none */
    const ProtobufCMessageDescriptor *type; /* of the command */
    struct weft_view fields;                /* the request from the first of them on */
    bool alone; /* `fields` is the command itself, which has come without a request around it */
};

/* A walk over the commands of a run. */
struct commands {
    struct weft_pb_reader reader;
    bool over; /* the run is alone, and its command was read */
};

static int decode_pair(struct kv_decoder *self, struct weft_view message, struct kv_item *item)
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
            err = kv__decode_value(self, field.bytes, &item->value.bytes);
        if (err < 0)
            break;
    }
    return err;
}

/* Begins a walk over a run. decode_request has taken its fields out of the request's budget already, so
 * the reader gets a budget of its own. */
static struct commands read_run(const struct run *run, struct weft_pb_budget *paid)
{
    paid->elements = UINT64_MAX;
    return (struct commands){weft_pb_read(run->fields, &abi__command_request__descriptor, paid),
                             false};
}

/* Reads the next command of a run and skips what lies between. Returns what weft_pb_next does. */
static int next_command(struct commands *commands, const struct run *run,
                        struct weft_pb_field *command)
{
    int err;
    if (run->alone) {
        bool is_left = !commands->over;
        commands->over = true;
        command->number = run->number;
        command->bytes = run->fields;
        return is_left;
    }
    do
        err = weft_pb_next(&commands->reader, command);
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
    struct commands commands;
    struct weft_pb_reader fields;
};

/* Adds the number of items that are left in a run. */
static int count_rest(const struct place *place, struct weft_pb_budget *budget, size_t *count)
{
    struct commands commands = place->commands;
    struct weft_pb_field command;
    int err = count_items(place->fields, budget, count);
    while (err == 0 && (err = next_command(&commands, place->run, &command)) > 0)
        err = count_items(weft_pb_read(command.bytes, place->run->type, budget), budget, count);
    return err;
}

/* Moves the items into the arena, with room for all that are left in the run. It is called once, when
 * the array in struct kv_request is full. */
static int make_room(struct kv_decoder *self, const struct place *place, struct kv_call *call)
{
    /* The items are taken out of the budget when they are read, so they are counted on a copy. */
    struct weft_pb_budget budget = self->budget;
    size_t count = call->count + 1;
    int err = count_rest(place, &budget, &count);
    if (err < 0) {
        self->budget.what = budget.what;
        return err;
    }
    struct kv_item *items = kv__decoder_alloc(self, count * sizeof *items);
    if (!items)
        return -ENOMEM;
    memcpy(items, call->items, call->count * sizeof *items);
    call->items = items;
    return 0;
}

static int decode_item(struct kv_decoder *self, const struct place *place,
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
        fresh->update = NULL;
    }
    struct kv_item *item = &call->items[call->count - 1];
    if (command->takes == KV_TAKES_PAIRS)
        return decode_pair(self, field->bytes, item);
    if (command == &kv_commands[KV_HPUT])
        return kv__decode_change(self, field->bytes, item);
    item->key = field->bytes;
    return 0;
}

static void decode_page(const struct weft_pb_field *field, struct kv_call *call)
{
    switch (field->number) {
    case ABI_PAGE_CURSOR:
        call->from = field->bytes;
        break;
    case ABI_PAGE_LIMIT:
        call->limit = (uint32_t)field->scalar;
        break;
    case ABI_HSCAN_PREFIX:
        call->filter.prefix = field->bytes;
        break;
    case ABI_HSCAN_MATCH:
        call->filter.match = field->bytes;
        break;
    case ABI_HSCAN_KEYS_ONLY:
        call->filter.keys_only = field->scalar != 0;
        break;
    case ABI_HSCAN_STATE:
        call->states = field->scalar != 0;
        break;
    }
}

static void decode_delta(const struct weft_pb_field *field, struct kv_update *update)
{
    if (field->number == ABI_HINCR_INTEGER) {
        update->then = KV_THEN_ADD;
        update->integer = (int64_t)field->scalar;
    } else {
        update->then = KV_THEN_ADD_REAL;
        memcpy(&update->real, &field->scalar, sizeof update->real);
    }
}

/* Takes a field of a command that is neither its table nor an item. */
static void decode_option(struct kv_decoder *self, const struct weft_pb_field *field,
                          struct kv_call *call)
{
    if (kv_is_paged(call->command))
        decode_page(field, call);
    else if (call->command == &kv_commands[KV_HINCR])
        decode_delta(field, &self->self->update);
    else if (call->command == &kv_commands[KV_HEXPIRE])
        kv__decode_expiry(self, field, &self->expiry);
    else if (field->number == ABI_COMMAND_STATE)
        call->states = field->scalar != 0;
}

/* Adds the fields of one command to the call. */
static int decode_fields(struct kv_decoder *self, struct place *place, struct kv_call *call)
{
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&place->fields, &field)) > 0) {
        if (!field.descriptor)
            continue;
        if (field.number == ABI_COMMAND_TABLE)
            call->table = field.bytes;
        else if (field.number == ABI_COMMAND_ITEM && !kv_is_paged(call->command))
            err = decode_item(self, place, &field, call);
        else
            decode_option(self, &field, call);
        if (err < 0)
            break;
    }
    return err;
}

static bool has_one_item(const struct kv_command *command)
{
    return command->takes >= KV_TAKES_KEYS && !command->many;
}

/* Gives the items of a command their one update, and makes one that only asks the command that does. */
static void finish(const struct kv_decoder *self, struct kv_call *call)
{
    if (call->command == &kv_commands[KV_HEXPIRE] && !self->expiry.is_set) {
        call->command = &kv_commands[KV_HTTL];
    } else if (call->command->takes == KV_TAKES_CHANGES && call->command != &kv_commands[KV_HPUT]) {
        for (size_t i = 0; i < call->count; i++) {
            call->items[i].update = &self->self->update;
            call->items[i].expires = self->expiry.expires;
        }
    } else if (call->command->takes == KV_TAKES_NAMES) {
        call->filter.prefix = call->table;
        call->table = weft_view(NULL, 0);
    } else if (call->command == &kv_commands[KV_HGET] && call->states) {
        call->command = &kv_commands[KV_HGET_STATE];
    } else if (call->command == &kv_commands[KV_HMGET] && call->states) {
        call->command = &kv_commands[KV_HMGET_STATE];
    }
}

/* Sets the fields of a call, and the update, to what they are if the request does not say. */
static void begin(struct kv_decoder *self, struct kv_call *call)
{
    bool adds = call->command == &kv_commands[KV_HINCR];
    call->table = weft_view(NULL, 0);
    call->count = 0;
    call->from = weft_view(NULL, 0);
    call->limit = 0;
    call->filter = (struct kv_filter){0};
    call->states = false;
    self->expiry = (struct kv_expiry_field){false, adds ? KV_KEEP_EXPIRY : KV_NEVER};
    self->self->update = (struct kv_update){
        .when = KV_IF_ANY, .then = adds ? KV_THEN_ADD : KV_THEN_EXPIRE, .integer = 1};
}

static int decode_run(struct kv_decoder *self, const struct run *run, struct kv_call *call)
{
    struct weft_pb_budget paid;
    struct place place = {.run = run, .commands = read_run(run, &paid)};
    struct weft_pb_field command;
    int err;
    call->command = &kv_commands[command_of_field[run->number]];
    begin(self, call);
    while ((err = next_command(&place.commands, run, &command)) > 0) {
        place.fields = weft_pb_read(command.bytes, run->type, &self->budget);
        err = decode_fields(self, &place, call);
        if (err < 0)
            return err;
    }
    /* proto3 leaves an empty key out of the message, but it is a key. */
    if (call->count == 0 && call->command->takes != KV_TAKES_PAIRS && has_one_item(call->command)) {
        call->items[0] = (struct kv_item){.expires = KV_NEVER};
        call->count = 1;
    }
    finish(self, call);
    return err;
}

static int decode_watch(struct kv_decoder *self, const struct run *run, struct weft_view message)
{
    (void)run;
    return kv__decode_watch(self, message, &self->self->watch);
}

static int decode_topic(struct kv_decoder *self, const struct run *run, struct weft_view message)
{
    return kv__decode_topic(self, message, run->type, run->number, &self->self->topic);
}

static int decode_login(struct kv_decoder *self, const struct run *run, struct weft_view message)
{
    struct weft_pb_reader fields = weft_pb_read(message, run->type, &self->budget);
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&fields, &field)) > 0) {
        if (field.descriptor && field.number == ABI_LOGIN_USER)
            self->self->user = field.bytes;
        else if (field.descriptor)
            self->self->secret = field.bytes;
    }
    return err;
}

/* Decodes each message of a run with `decode`, which adds its fields to what those before it have said. */
static int decode_each(struct kv_decoder *self, const struct run *run,
                       int (*decode)(struct kv_decoder *self, const struct run *run,
                                     struct weft_view message))
{
    struct weft_pb_budget paid;
    struct commands commands = read_run(run, &paid);
    struct weft_pb_field command;
    int err;
    while ((err = next_command(&commands, run, &command)) > 0) {
        err = decode(self, run, command.bytes);
        if (err < 0)
            break;
    }
    return err;
}

/* Decodes a run that is no command of the store, or is. */
static int decode_command(struct kv_decoder *self, const struct run *run, struct kv_call *call)
{
    switch (run->number) {
    case ABI_WATCH:
        self->self->watch = (struct kv_watch_spec){0};
        return decode_each(self, run, decode_watch);
    case ABI_LOGIN:
        self->self->user = self->self->secret = weft_view(NULL, 0);
        return decode_each(self, run, decode_login);
    case ABI_SUBSCRIBE:
    case ABI_UNSUBSCRIBE:
    case ABI_PUBLISH:
        self->self->topic = (struct kv_topic_spec){0};
        return decode_each(self, run, decode_topic);
    default:
        return decode_run(self, run, call);
    }
}

/* Checks that the commands of a run which another one overrides are well formed. */
static int check_run(struct kv_decoder *self, const struct run *run)
{
    struct weft_pb_budget paid;
    struct commands commands = read_run(run, &paid);
    struct weft_pb_field command;
    int err;
    while ((err = next_command(&commands, run, &command)) > 0) {
        err = weft_pb_check(command.bytes, run->type, &self->budget);
        if (err < 0)
            break;
    }
    return err;
}

/* Finds the last run of a request, without looking into it, and checks those before it. *unknown is the
 * lowest number of an unknown field that could be a command, or 0. */
static int decode_request(struct kv_decoder *self, struct weft_view payload, struct run *run,
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

/* Words the result of decoding a run. */
static enum kv_decoded result_of(struct kv_decoder *decoder, const struct run *run,
                                 const struct kv_call *call, int err)
{
    struct kv_request *self = decoder->self;
    switch (err) {
    case 0:
        break;
    case WEFT_EMALFORMED:
        self->what = decoder->budget.what;
        return KV_DECODED_MALFORMED;
    case WEFT_ETOOBIG:
        return KV_DECODED_ELEMENTS;
    default:
        return decoder->failure;
    }
    switch (run->number) {
    case 0:
        return self->field == 0 ? KV_DECODED_NO_COMMAND : KV_DECODED_UNKNOWN;
    case ABI_WATCH:
        return KV_DECODED_WATCH;
    case ABI_LOGIN:
        return KV_DECODED_LOGIN;
    case ABI_SUBSCRIBE:
        return KV_DECODED_SUBSCRIBE;
    case ABI_UNSUBSCRIBE:
        return KV_DECODED_UNSUBSCRIBE;
    case ABI_PUBLISH:
        return KV_DECODED_PUBLISH;
    default:
        return run->number == ABI_HSET && call->count == 0 ? KV_DECODED_NO_PAIR : KV_DECODED;
    }
}

WEFT_NOINLINE enum kv_decoded kv_request_decode_any(struct kv_request *self,
                                                    struct weft_view payload, struct kv_call *call)
{
    struct kv_decoder decoder = {.budget.elements = self->max_elements, .self = self};
    struct run run;
    call->items = self->items;
    int err = decode_request(&decoder, payload, &run, &self->field);
    if (err == 0 && run.number != 0)
        err = decode_command(&decoder, &run, call);
    return result_of(&decoder, &run, call, err);
}

WEFT_NOINLINE enum kv_decoded kv_request_decode_alone(struct kv_request *self, uint32_t number,
                                                      struct weft_view command,
                                                      struct kv_call *call)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(&abi__command_request__descriptor, number);
    struct kv_decoder decoder = {.budget.elements = self->max_elements, .self = self};
    struct run run = {
        .number = number,
        .type = (const ProtobufCMessageDescriptor *)field->descriptor,
        .fields = command,
        .alone = true,
    };
    call->items = self->items;
    if (decoder.budget.elements == 0) /* the command is an element, as in a request */
        return KV_DECODED_ELEMENTS;
    decoder.budget.elements--;
    int err = decode_command(&decoder, &run, call);
    return result_of(&decoder, &run, call, err);
}
