/* SPDX-License-Identifier: MIT
 *
 * Server reflection (https://grpc.io/docs/guides/reflection/): tools such as grpcurl ask a server for its services and
 * their types. Each question of a call is answered before the next one is read. */
#include "reflection.h"

#include <errno.h>

#include "reflection_type.h"
#include "set.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest request_type;
typedef Grpc__Reflection__V1__ServerReflectionResponse response_type;

#define RESPONSE(kind) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##kind
#define REQUEST(kind)  GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##kind

static void answer(struct weft_rpc_call *call, const request_type *request, response_type *response)
{
    response->original_request = (request_type *)(uintptr_t)request;
    const int err = weft_rpc_send(call, &response->base);
    if (err == -EAGAIN)
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "Read the answers before you ask on");
    else if (err < 0 && err != -ECANCELED)
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory for the answer");
    else
        weft_rpc_next(call);
}

static void answer_error(struct weft_rpc_call *call, const request_type *request,
                         enum weft_rpc_code code, const char *words)
{
    response_type response;
    Grpc__Reflection__V1__ErrorResponse error;
    grpc__reflection__v1__server_reflection_response__init(&response);
    grpc__reflection__v1__error_response__init(&error);
    error.error_code = (int32_t)code;
    error.error_message = (char *)(uintptr_t)words;
    response.message_response_case = RESPONSE(ERROR_RESPONSE);
    response.error_response = &error;
    answer(call, request, &response);
}

static void answer_file(struct weft_rpc_call *call, const request_type *request,
                        const struct weft__rpc_file *file)
{
    response_type response;
    Grpc__Reflection__V1__FileDescriptorResponse files;
    if (!file) {
        answer_error(call, request, WEFT_RPC_NOT_FOUND, "There is no such file or symbol");
        return;
    }
    const struct weft_view text = weft_text_view(&file->text);
    ProtobufCBinaryData bytes = {.len = text.size, .data = (uint8_t *)(uintptr_t)text.data};
    grpc__reflection__v1__server_reflection_response__init(&response);
    grpc__reflection__v1__file_descriptor_response__init(&files);
    files.n_file_descriptor_proto = 1;
    files.file_descriptor_proto = &bytes;
    response.message_response_case = RESPONSE(FILE_DESCRIPTOR_RESPONSE);
    response.file_descriptor_response = &files;
    answer(call, request, &response);
}

/* Names stand once for each method, one behind the other. */
static void answer_services(struct weft_rpc_call *call, const request_type *request,
                            const struct weft_rpc *rpc)
{
    typedef Grpc__Reflection__V1__ServiceResponse row_type;
    response_type response;
    Grpc__Reflection__V1__ListServiceResponse list;
    row_type *rows = weft_calloc(rpc->count, sizeof *rows);
    row_type **pointers = weft_calloc(rpc->count, sizeof *pointers);
    grpc__reflection__v1__server_reflection_response__init(&response);
    grpc__reflection__v1__list_service_response__init(&list);
    response.message_response_case = RESPONSE(LIST_SERVICES_RESPONSE);
    response.list_services_response = &list;
    list.service = pointers;
    for (size_t i = 0; rows && pointers && i < rpc->count; i++) {
        const ProtobufCService *service = rpc->methods[i]->service;
        if (i > 0 && service == rpc->methods[i - 1]->service)
            continue;
        row_type *row = &rows[list.n_service];
        grpc__reflection__v1__service_response__init(row);
        row->name = (char *)(uintptr_t)service->descriptor->name;
        pointers[list.n_service++] = row;
    }
    if (rows && pointers)
        answer(call, request, &response);
    else
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory for the answer");
    weft_free(rows);
    weft_free(pointers);
}

/* Finds a service, "package.Service", a method of it, "package.Service.Method", or a type. */
static const struct weft__rpc_file *file_with(const struct weft_rpc *rpc, const char *symbol)
{
    const struct weft__rpc_files *files = &rpc->reflection->files;
    for (size_t i = 0; i < rpc->count; i++) {
        const struct weft__rpc_method *method = rpc->methods[i];
        const size_t size = method->object.size;
        if (strncmp(symbol, (const char *)method->object.data, size) != 0 ||
            (symbol[size] &&
             (symbol[size] != '.' || strcmp(symbol + size + 1, method->descriptor->name) != 0)))
            continue;
        for (size_t k = 0; k < files->count; k++)
            if (strcmp(files->files[k].package, method->service->descriptor->package) == 0)
                return &files->files[k];
    }
    return weft__rpc_file_with(files, symbol);
}

static void on_message(struct weft_rpc_call *call, const ProtobufCMessage *message)
{
    const struct weft_rpc *rpc = weft_rpc_data(call);
    const request_type *request = (const void *)message;
    if (!request) {
        weft_rpc_end(call, WEFT_RPC_OK, NULL);
        return;
    }
    switch (request->message_request_case) {
    case REQUEST(FILE_BY_FILENAME):
        answer_file(call, request,
                    weft__rpc_file_of(&rpc->reflection->files, request->file_by_filename));
        break;
    case REQUEST(FILE_CONTAINING_SYMBOL):
        answer_file(call, request, file_with(rpc, request->file_containing_symbol));
        break;
    case REQUEST(LIST_SERVICES):
        answer_services(call, request, rpc);
        break;
    default:
        answer_error(call, request, WEFT_RPC_UNIMPLEMENTED,
                     "Files, symbols and services can be asked for");
        break;
    }
}

static void on_cancel(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    weft_rpc_end(call, code, code == WEFT_RPC_UNAVAILABLE ? "The server shuts down" : NULL);
}

static void info(Grpc__Reflection__V1__ServerReflection_Service *service,
                 const request_type *request,
                 Grpc__Reflection__V1__ServerReflectionResponse_Closure closure, void *call)
{
    static const struct weft_rpc_events events = {.on_cancel = on_cancel, .on_message = on_message};
    (void)request, (void)closure;
    weft_rpc_listen(call, &events, ((const struct weft__rpc_mirror *)(const void *)service)->rpc);
}

/* Adds one of the two versions. */
static int add(struct weft_rpc *rpc, const ProtobufCService *service, const char *method,
               struct weft_error *error)
{
    static const char *const streams[] = {"ServerReflectionInfo", NULL};
    const int err = weft__rpc_add(rpc, service, streams, WEFT_ACTION_PLAIN, error);
    return err < 0 ? err : weft_rpc_stream_requests(rpc, method, error);
}

int weft_rpc_add_reflection(struct weft_rpc *rpc, struct weft_error *error)
{
    struct weft__rpc_reflection *self = rpc ? weft_calloc(1, sizeof *self) : NULL;
    if (!self)
        return weft__rpc_no_memory(error);
    self->v1.service.base = (ProtobufCService){&grpc__reflection__v1__server_reflection__descriptor,
                                               protobuf_c_service_invoke_internal, NULL};
    self->v1alpha.service.base =
        (ProtobufCService){&weft__rpc_v1alpha, protobuf_c_service_invoke_internal, NULL};
    self->v1.rpc = self->v1alpha.rpc = rpc;
    self->v1.service.server_reflection_info = self->v1alpha.service.server_reflection_info = info;
    int err = add(rpc, &self->v1.service.base,
                  "grpc.reflection.v1.ServerReflection/ServerReflectionInfo", error);
    if (err < 0) {
        weft_free(self);
        return err;
    }
    /* From here on it is the set's, which has the first service whatever becomes of the second. */
    rpc->reflection = self;
    return add(rpc, &self->v1alpha.service.base,
               "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", error);
}
