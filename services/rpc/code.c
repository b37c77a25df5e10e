/* SPDX-License-Identifier: MIT */
#include "rpc.h"

static const struct {
    const char *name;
    unsigned http;
} codes[] = {
    [WEFT_RPC_OK] = {"OK", 200},
    [WEFT_RPC_CANCELLED] = {"CANCELLED", 499},
    [WEFT_RPC_UNKNOWN] = {"UNKNOWN", 500},
    [WEFT_RPC_INVALID_ARGUMENT] = {"INVALID_ARGUMENT", 400},
    [WEFT_RPC_DEADLINE_EXCEEDED] = {"DEADLINE_EXCEEDED", 504},
    [WEFT_RPC_NOT_FOUND] = {"NOT_FOUND", 404},
    [WEFT_RPC_ALREADY_EXISTS] = {"ALREADY_EXISTS", 409},
    [WEFT_RPC_PERMISSION_DENIED] = {"PERMISSION_DENIED", 403},
    [WEFT_RPC_RESOURCE_EXHAUSTED] = {"RESOURCE_EXHAUSTED", 429},
    [WEFT_RPC_FAILED_PRECONDITION] = {"FAILED_PRECONDITION", 400},
    [WEFT_RPC_ABORTED] = {"ABORTED", 409},
    [WEFT_RPC_OUT_OF_RANGE] = {"OUT_OF_RANGE", 400},
    [WEFT_RPC_UNIMPLEMENTED] = {"UNIMPLEMENTED", 501},
    [WEFT_RPC_INTERNAL] = {"INTERNAL", 500},
    [WEFT_RPC_UNAVAILABLE] = {"UNAVAILABLE", 503},
    [WEFT_RPC_DATA_LOSS] = {"DATA_LOSS", 500},
    [WEFT_RPC_UNAUTHENTICATED] = {"UNAUTHENTICATED", 401},
};

enum { CODES = sizeof codes / sizeof *codes };

static enum weft_rpc_code known(enum weft_rpc_code code)
{
    return (unsigned)code < CODES ? code : WEFT_RPC_UNKNOWN;
}

const char *weft_rpc_code_name(enum weft_rpc_code code)
{
    return codes[known(code)].name;
}

unsigned weft_rpc_code_http(enum weft_rpc_code code)
{
    return codes[known(code)].http;
}
