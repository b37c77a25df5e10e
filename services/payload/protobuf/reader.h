/* SPDX-License-Identifier: MIT
 *
 * A pull reader of protobuf messages: it walks the fields of one message where they lie, without
 * copying and without allocating, by the descriptors that protobuf-c generates. What it takes and
 * what it refuses is what protobuf-c's unpack does, but
 *   - strings must be UTF-8 (as proto3 says) and may hold NUL,
 *   - field numbers end at 2^29 - 1 (as the format says),
 *   - a bool must be a varint (protobuf-c takes any wire type),
 *   - packed arrays are refused: it is for messages of singular fields and of repeated strings,
 *     bytes and messages.
 * Any thread; one reader, one thread. */
#ifndef WEFT_PROTOBUF_READER_H
#define WEFT_PROTOBUF_READER_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/bytes.h"
#include "wire.h"

/* Shared by the readers of one message and of those inside it. */
struct weft_pb_budget {
    uint64_t elements; /* occurrences of repeated fields and of sub-messages that may still come */
    const char *what;  /* after a failure: what is wrong, static text; undefined before */
};

struct weft_pb_reader {
    const uint8_t *at, *end;
    const ProtobufCMessageDescriptor *type;
    struct weft_pb_budget *budget;
};

struct weft_pb_field {
    const ProtobufCFieldDescriptor *descriptor; /* NULL: the type has no such field */
    uint32_t number;
    enum weft_pb_wire wire;
    uint64_t scalar;        /* the value, where wire is not LENGTH; of FIXED32 the lower half */
    struct weft_view bytes; /* the contents, where wire is LENGTH */
    struct weft_view raw;   /* the whole field as it lies, from its tag on */
};

/* message, type and budget must outlive the reader. */
static inline struct weft_pb_reader weft_pb_read(struct weft_view message,
                                                 const ProtobufCMessageDescriptor *type,
                                                 struct weft_pb_budget *budget)
{
    const uint8_t *end = message.size == 0 ? message.data : message.data + message.size;
    return (struct weft_pb_reader){message.data, end, type, budget};
}

/* weft_pb_next for a message that goes on. */
WEFT_MUST_USE int weft__pb_next_field(struct weft_pb_reader *reader, struct weft_pb_field *field);

/* The next field, in the order of the wire. Views into the message, valid as long as it. Contents
 * of sub-messages are not looked at: whoever does not read them should weft_pb_check them.
 * 1: *field is set. 0: the end. WEFT_EMALFORMED, WEFT_ETOOBIG (the elements): budget->what says
 * more, the reader must not be used again. */
WEFT_MUST_USE static inline int weft_pb_next(struct weft_pb_reader *reader,
                                             struct weft_pb_field *field)
{
    return reader->at == reader->end ? 0 : weft__pb_next_field(reader, field);
}

/* Reads all of a message and of those inside it, for what is wrong with them and nothing else. 0,
 * or the errors of weft_pb_next; messages over 100 deep are malformed. */
WEFT_MUST_USE int weft_pb_check(struct weft_view message, const ProtobufCMessageDescriptor *type,
                                struct weft_pb_budget *budget);

#endif
