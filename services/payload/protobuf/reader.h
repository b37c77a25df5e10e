/* SPDX-License-Identifier: MIT
 *
 * A pull reader of protobuf messages: it walks the fields of one message in place, without copies and
 * allocations, guided by the descriptors that protobuf-c generates. It accepts and refuses what
 * protobuf-c's unpack does, with these differences:
 *   - strings must be UTF-8 (as proto3 says) and may hold NUL,
 *   - field numbers end at 2^29 - 1 (as the format says),
 *   - a bool must be a varint (protobuf-c takes any wire type),
 *   - packed arrays are refused, for no message here has one; repeated strings, bytes and messages
 *     are fine.
 * Any thread may have a reader; a reader belongs to one thread at a time. */
#ifndef WEFT_PROTOBUF_READER_H
#define WEFT_PROTOBUF_READER_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/bytes.h"
#include "wire.h"

/* One budget is shared by the readers of a message and of all messages inside it. */
struct weft_pb_budget {
    uint64_t elements; /* how many more occurrences of repeated fields and sub-messages may come */
    const char *what;  /* after a failure: static text that says what is wrong; else undefined */
};

struct weft_pb_reader {
    const uint8_t *at, *end;
    const ProtobufCMessageDescriptor *type;
    struct weft_pb_budget *budget;
};

struct weft_pb_field {
    const ProtobufCFieldDescriptor *descriptor; /* NULL: the message type has no such field */
    uint32_t number;
    enum weft_pb_wire wire;
    uint64_t scalar;        /* the value, unless wire is LENGTH; FIXED32 uses the lower half */
    struct weft_view bytes; /* the contents, if wire is LENGTH */
    struct weft_view raw;   /* the whole field in place, from its tag on */
};

/* Returns a reader at the beginning of message. The message, type and budget must outlive it. */
static inline struct weft_pb_reader weft_pb_read(struct weft_view message,
                                                 const ProtobufCMessageDescriptor *type,
                                                 struct weft_pb_budget *budget)
{
    const uint8_t *end = message.size == 0 ? message.data : message.data + message.size;
    return (struct weft_pb_reader){message.data, end, type, budget};
}

/* The part of weft_pb_next that is not inline. The reader must not be at the end. */
WEFT_MUST_USE int weft__pb_next_field(struct weft_pb_reader *reader, struct weft_pb_field *field);

/* Reads the next field, in the order of the wire. Its views lie in the message and are valid as long as
 * that is. It does not look into sub-messages: a caller that does not read one should check it with
 * weft_pb_check. Returns 1 if *field is set, 0 at the end, WEFT_EMALFORMED, or WEFT_ETOOBIG if there are
 * too many elements. After an error budget->what is set and the reader must not be used again. */
WEFT_MUST_USE static inline int weft_pb_next(struct weft_pb_reader *reader,
                                             struct weft_pb_field *field)
{
    return reader->at == reader->end ? 0 : weft__pb_next_field(reader, field);
}

/* Checks that a message and all messages inside it are well formed. Returns 0 or the errors of
 * weft_pb_next. Messages nested more than 100 deep are malformed. */
WEFT_MUST_USE int weft_pb_check(struct weft_view message, const ProtobufCMessageDescriptor *type,
                                struct weft_pb_budget *budget);

#endif
