/* SPDX-License-Identifier: MIT
 *
 * Metadata of a client, and fields and details of an answer: they go beside the messages of a call (rpc.h).
 *
 * A field has a name of the characters a-z 0-9 - _ . and a value. As in gRPC (PROTOCOL-HTTP2.md, "Custom-Metadata"), the
 * value of a name that ends in "-bin" is any bytes; every other one is printable ASCII. Each language has its own place
 * for fields:
 *
 *                      header                      trailer                        details
 *     gRPC             the first HEADERS           the trailers                   grpc-status-details-bin
 *     frames           header of the first Reply   trailer of the last Reply      details of the last Reply
 *     JSON over HTTP   Grpc-Metadata-NAME          Grpc-Trailer-NAME, but for     "details" of the error
 *                                                  streams that have begun
 *
 * JSON over HTTP has "-bin" values as base64. */
#ifndef WEFT_RPC_METADATA_H
#define WEFT_RPC_METADATA_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Finds what came beside the message under `name`, in whatever case: a metadata of gRPC or of
 * the frame, or a field of the HTTP request. Returns false if there is none. *value is valid as the message is. A "-bin"
 * value is base64 over gRPC and HTTP. */
WEFT_MUST_USE bool weft_rpc_metadata(const struct weft_rpc_call *call, const char *name,
                                     struct weft_view *value);

/* Does what weft_rpc_metadata does, and gives the bytes of a "-bin" value in every language. *bytes is valid as the message
 * is. Returns 0, or:
 *   - -ENOENT: there is none.
 *   - WEFT_EMALFORMED: the client's value is not base64.
 *   - -ENOMEM: no memory, or decode-bytes is reached. */
WEFT_MUST_USE int weft_rpc_metadata_bytes(struct weft_rpc_call *call, const char *name,
                                          struct weft_view *bytes);

enum {
    WEFT_RPC_BESIDE_MAX = 8 << 10, /* bytes of fields and details of an answer, as they are sent */
    WEFT_RPC_FIELDS_MAX = 32       /* fields of its header, and of its trailer */
};

/* Each adds a field to the answer: to its header, which leaves with the first message, or to its trailer, which leaves
 * with the end. Fields leave in the order in which they were added, and a name may come twice. name and value are copied.
 * Returns 0, or changes nothing and returns:
 *   - -EINVAL: the name or the value may not be sent, or the name is the protocol's own ("grpc-...", "content-type").
 *   - -EPERM: the header has left.
 *   - WEFT_ETOOBIG: more than the limits above.
 *   - -ENOMEM. */
WEFT_MUST_USE int weft_rpc_add_header(struct weft_rpc_call *call, const char *name,
                                      struct weft_view value);
WEFT_MUST_USE int weft_rpc_add_trailer(struct weft_rpc_call *call, const char *name,
                                       struct weft_view value);

/* Adds a detail to a call that ends with another code than OK: a message that says more than the words, such as a
 * google.rpc.BadRequest. It is sent as google.rpc.Status has it (google/rpc/status.proto), under the name of its type. The
 * message is borrowed until this returns. Returns 0, WEFT_ETOOBIG or -ENOMEM, as above. */
WEFT_MUST_USE int weft_rpc_add_detail(struct weft_rpc_call *call, const ProtobufCMessage *detail);

#ifdef __cplusplus
}
#endif

#endif
