/* SPDX-License-Identifier: MIT
 *
 * The wire types of protobuf (protobuf.dev, "Encoding"). */
#ifndef WEFT_PROTOBUF_WIRE_H
#define WEFT_PROTOBUF_WIRE_H

/* Numbers 3 and 4 belonged to groups, which proto3 does not have; 6 and 7 were never assigned. */
enum weft_pb_wire {
    WEFT_PB_VARINT = 0,
    WEFT_PB_FIXED64 = 1,
    WEFT_PB_LENGTH = 2,
    WEFT_PB_FIXED32 = 5,
};

#endif
