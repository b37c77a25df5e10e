/* SPDX-License-Identifier: MIT
 *
 * grpc.health.v1 (https://grpc.io/docs/guides/health-checking/): each service of a set is served until the server
 * drains, which ends each Watch with NOT_SERVING. */
#include <errno.h>

#include "grpc_health.pb-c.h"
#include "set.h"

struct health {
    Grpc__Health__V1__Health_Service service; /* first: it is cast back */
    const struct weft_rpc *rpc;
};

typedef Grpc__Health__V1__HealthCheckRequest request_type;
typedef Grpc__Health__V1__HealthCheckResponse response_type;

#define STATUS(name) GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

/* True if the server has the service; the empty name stands for the server itself. */
static bool is_served(Grpc__Health__V1__Health_Service *service, const char *name)
{
    return !*name || weft__rpc_has(((const struct health *)(const void *)service)->rpc, name);
}

static void check(Grpc__Health__V1__Health_Service *service, const request_type *request,
                  Grpc__Health__V1__HealthCheckResponse_Closure closure, void *call)
{
    response_type response;
    grpc__health__v1__health_check_response__init(&response);
    response.status = STATUS(SERVING);
    if (is_served(service, request->service))
        closure(&response, call);
    else
        weft_rpc_end(call, WEFT_RPC_NOT_FOUND, "The server has no such service");
}

static int tell(struct weft_rpc_call *call, int status)
{
    response_type response;
    grpc__health__v1__health_check_response__init(&response);
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
    return weft_rpc_send(call, &response.base);
}

static void on_cancel(struct weft_rpc_call *call, enum weft_rpc_code code)
{
    /* If it cannot be told, the end says as much. */
    if (code == WEFT_RPC_UNAVAILABLE)
        (void)!tell(call, STATUS(NOT_SERVING));
    weft_rpc_end(call, code, code == WEFT_RPC_UNAVAILABLE ? "The server shuts down" : NULL);
}

static void watch(Grpc__Health__V1__Health_Service *service, const request_type *request,
                  Grpc__Health__V1__HealthCheckResponse_Closure closure, void *call)
{
    static const struct weft_rpc_events events = {.on_cancel = on_cancel};
    (void)closure;
    weft_rpc_listen(call, &events, NULL);
    /* The service may yet be added, says the protocol; here it will not, but the watch goes on. */
    if (tell(call,
             is_served(service, request->service) ? STATUS(SERVING) : STATUS(SERVICE_UNKNOWN)) < 0)
        weft_rpc_end(call, WEFT_RPC_RESOURCE_EXHAUSTED, "There is no memory for the answer");
}

int weft_rpc_add_health(struct weft_rpc *rpc, struct weft_error *error)
{
    static const char *const streams[] = {"Watch", NULL};
    struct health *self = rpc ? weft_calloc(1, sizeof *self) : NULL;
    if (!self)
        return weft__rpc_no_memory(error);
    self->service.base = (ProtobufCService){&grpc__health__v1__health__descriptor,
                                            protobuf_c_service_invoke_internal, NULL};
    self->service.check = check;
    self->service.watch = watch;
    self->rpc = rpc;
    const int err = weft__rpc_add(rpc, &self->service.base, streams, WEFT_ACTION_OPEN, error);
    if (err < 0)
        weft_free(self);
    else
        rpc->health = self;
    return err;
}
