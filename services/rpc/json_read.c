/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "json.h"
#include "json_scalar.h"
#include "json_time.h"
#include "message.h"

/* A list that grows, of a repeated field. */
struct list {
    char *elements;
    size_t count, room;
};

static bool read_any(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                     enum weft_json_token token, int depth, ProtobufCMessage **message);

static enum weft_json_token next(struct weft__rpc_json *self)
{
    return weft_json_next(&self->json);
}

static bool expect(struct weft__rpc_json *self, enum weft_json_token token, const char *why)
{
    return next(self) == token || weft__rpc_json_fail(self, why);
}

static bool read_value(struct weft__rpc_json *self, const ProtobufCFieldDescriptor *field,
                       enum weft_json_token token, int depth, void *member)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return weft__rpc_json_scalar(self, field, token, false, member);
    return read_any(self, field->descriptor, token, depth - 1, member);
}

/* --- repeated fields and maps ------------------------------------------------------------------------- */

/* Returns room for one more element, zeroed. */
static void *add(struct weft__rpc_json *self, struct list *list, size_t size)
{
    if (list->count == list->room) {
        const size_t room = list->room > 0 ? list->room * 2 : 4;
        char *more = weft__rpc_json_alloc(self, room * size);
        if (!more)
            return NULL;
        if (list->count > 0)
            memcpy(more, list->elements, list->count * size);
        list->elements = more;
        list->room = room;
    }
    void *element = list->elements + list->count++ * size;
    memset(element, 0, size);
    return element;
}

static bool read_array(struct weft__rpc_json *self, const ProtobufCFieldDescriptor *field,
                       int depth, struct list *list)
{
    const size_t size = weft__rpc_member_size(field);
    enum weft_json_token token = next(self);
    if (token == WEFT_JSON_ARRAY_END)
        return true;
    for (;;) {
        void *element = add(self, list, size);
        if (!element || !read_value(self, field, token, depth, element))
            return false;
        token = next(self);
        if (token == WEFT_JSON_ARRAY_END)
            return true;
        if (token != WEFT_JSON_COMMA)
            return weft__rpc_json_fail(self, "A comma or the end of an array is expected");
        token = next(self);
    }
}

/* Reads a pair of a map, whose key has just been read. */
static bool read_entry(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                       int depth, ProtobufCMessage **entry)
{
    const ProtobufCFieldDescriptor *key = &type->fields[0], *value = &type->fields[1];
    char *made = weft__rpc_json_alloc(self, type->sizeof_message);
    if (!made)
        return false;
    protobuf_c_message_init(type, made);
    *entry = (ProtobufCMessage *)(void *)made;
    return weft__rpc_json_scalar(self, key, WEFT_JSON_STRING, true, made + key->offset) &&
           expect(self, WEFT_JSON_COLON, "A colon is expected") &&
           read_value(self, value, next(self), depth, made + value->offset);
}

static bool read_map(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type, int depth,
                     struct list *list)
{
    enum weft_json_token token = next(self);
    if (token == WEFT_JSON_OBJECT_END)
        return true;
    for (;;) {
        if (token != WEFT_JSON_STRING)
            return weft__rpc_json_fail(self, "The key of a map is expected");
        void *entry = add(self, list, sizeof(ProtobufCMessage *));
        if (!entry || !read_entry(self, type, depth - 1, entry))
            return false;
        token = next(self);
        if (token == WEFT_JSON_OBJECT_END)
            return true;
        if (token != WEFT_JSON_COMMA)
            return weft__rpc_json_fail(self, "A comma or the end of an object is expected");
        token = next(self);
    }
}

static bool read_repeated(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                          const ProtobufCFieldDescriptor *field, enum weft_json_token token,
                          int depth, char *message)
{
    const ProtobufCMessageDescriptor *entry = weft__rpc_map_of(type, field);
    struct list list = {0};
    if (token != (entry ? WEFT_JSON_OBJECT : WEFT_JSON_ARRAY))
        return weft__rpc_json_fail(self, entry ? "An object is expected" : "An array is expected");
    if (entry ? !read_map(self, entry, depth, &list) : !read_array(self, field, depth, &list))
        return false;
    memcpy(message + field->quantifier_offset, &list.count, sizeof list.count);
    memcpy(message + field->offset, &list.elements, sizeof list.elements);
    return true;
}

/* --- messages ----------------------------------------------------------------------------------------- */

static bool read_field(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                       const ProtobufCFieldDescriptor *field, int depth, char *message)
{
    const enum weft_json_token token = next(self);
    void *quantifier = message + field->quantifier_offset;
    if (token == WEFT_JSON_NULL) /* as if it were not there */
        return true;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_repeated(self, type, field, token, depth, message);
    if (!read_value(self, field, token, depth, message + field->offset))
        return false;
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        /* Its member has been overwritten, but then the message is refused. */
        if (*(uint32_t *)quantifier != 0)
            return weft__rpc_json_fail(self, "A oneof has two values");
        *(uint32_t *)quantifier = field->id;
    } else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING &&
               field->type != PROTOBUF_C_TYPE_MESSAGE) {
        *(protobuf_c_boolean *)quantifier = 1;
    }
    return true;
}

/* Finds a field by its name in JSON or in the .proto file. */
static const ProtobufCFieldDescriptor *
find(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type, struct weft_view name)
{
    uint8_t own[128];
    for (unsigned i = 0; i < type->n_fields; i++) {
        const char *as_written = type->fields[i].name;
        const size_t size = strlen(as_written);
        if (name.size == size && memcmp(name.data, as_written, size) == 0)
            return &type->fields[i];
        if (size <= sizeof own &&
            weft_view_equal(name, weft_view(own, weft__rpc_json_name(as_written, own))))
            return &type->fields[i];
    }
    weft__rpc_json_fail(self, "The message has no field of that name");
    return NULL;
}

static bool has_required(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                         const uint8_t *seen)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].label == PROTOBUF_C_LABEL_REQUIRED && !seen[i])
            return weft__rpc_json_fail(self, "A required field is missing");
    return true;
}

/* Reads a field, whose name has just been read. */
static bool read_member(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                        int depth, char *message, uint8_t *seen)
{
    struct weft_view name;
    if (!weft__rpc_json_string(self, &name))
        return false;
    const ProtobufCFieldDescriptor *field = find(self, type, name);
    if (!field || !expect(self, WEFT_JSON_COLON, "A colon is expected"))
        return false;
    if (seen[field - type->fields]++ > 0)
        return weft__rpc_json_fail(self, "A field comes twice");
    return read_field(self, type, field, depth, message);
}

/* Reads the rest of an object, whose bracket has been read. */
static bool read_message(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                         int depth, ProtobufCMessage **message)
{
    if (depth == 0)
        return weft__rpc_json_fail(self, "The message has too many messages within messages");
    char *made = weft__rpc_json_alloc(self, type->sizeof_message);
    uint8_t *seen = made ? weft__rpc_json_alloc(self, type->n_fields) : NULL;
    if (!seen)
        return false;
    protobuf_c_message_init(type, made);
    if (type->n_fields > 0)
        memset(seen, 0, type->n_fields);
    *message = (ProtobufCMessage *)(void *)made;
    enum weft_json_token token = next(self);
    if (token == WEFT_JSON_OBJECT_END)
        return has_required(self, type, seen);
    for (;;) {
        if (token != WEFT_JSON_STRING)
            return weft__rpc_json_fail(self, "The name of a field is expected");
        if (!read_member(self, type, depth, made, seen))
            return false;
        token = next(self);
        if (token == WEFT_JSON_OBJECT_END)
            return has_required(self, type, seen);
        if (token != WEFT_JSON_COMMA)
            return weft__rpc_json_fail(self, "A comma or the end of an object is expected");
        token = next(self);
    }
}

/* Reads a time or a duration, whose string has just been read. */
static bool read_time(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                      ProtobufCMessage **message)
{
    struct weft_view text;
    char *made = weft__rpc_json_alloc(self, type->sizeof_message);
    if (!made || !weft__rpc_json_string(self, &text))
        return false;
    protobuf_c_message_init(type, made);
    *message = (ProtobufCMessage *)(void *)made;
    const char *wrong = weft__rpc_read_time(type, text, made);
    return !wrong || weft__rpc_json_fail(self, wrong);
}

/* Reads a message that begins with a token. */
static bool read_any(struct weft__rpc_json *self, const ProtobufCMessageDescriptor *type,
                     enum weft_json_token token, int depth, ProtobufCMessage **message)
{
    if (token == WEFT_JSON_OBJECT)
        return read_message(self, type, depth, message);
    if (token == WEFT_JSON_STRING && weft__rpc_is_time(type))
        return read_time(self, type, message);
    return weft__rpc_json_fail(self, "An object is expected");
}

ProtobufCMessage *weft__rpc_read_json(const ProtobufCMessageDescriptor *type, struct weft_view json,
                                      struct weft_arena *arena, char *why, size_t why_size,
                                      bool *malformed)
{
    struct weft__rpc_json self = {.json.rest = json, .arena = arena};
    ProtobufCMessage *message = NULL;
    const bool good = read_any(&self, type, next(&self), WEFT__RPC_DEPTH, &message) &&
                      expect(&self, WEFT_JSON_END, "Something follows the message");
    *malformed = !self.no_memory;
    if (good)
        return message;
    const size_t left = self.json.rest.size;
    (void)snprintf(why, why_size, "%s, at byte %zu of the body",
                   self.json.why && !self.no_memory ? self.json.why : self.why, json.size - left);
    return NULL;
}
