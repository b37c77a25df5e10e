/* SPDX-License-Identifier: MIT
 *
 * The names of the faces of a set. */
#include <errno.h>

#include "reflection.h"
#include "service.h"
#include "set.h"

static const struct weft__rpc_method *find(const struct weft_rpc *rpc,
                                           const ProtobufCMethodDescriptor *type)
{
    size_t i = 0;
    while (rpc->methods[i]->descriptor != type)
        i++;
    return rpc->methods[i];
}

static bool streams(const void *rpc, const ProtobufCMethodDescriptor *method)
{
    return find(rpc, method)->streams;
}

static bool requests(const void *rpc, const ProtobufCMethodDescriptor *method)
{
    return find(rpc, method)->requests;
}

/* Makes the files that reflection shows of what the set now has. */
static int describe(struct weft_rpc *rpc)
{
    struct weft__rpc_described *services = weft_calloc(rpc->count, sizeof *services);
    size_t count = 0;
    if (!services)
        return -ENOMEM;
    for (size_t i = 0; i < rpc->count; i++) {
        const ProtobufCService *service = rpc->methods[i]->service;
        if (i == 0 || service != rpc->methods[i - 1]->service)
            services[count++] = (struct weft__rpc_described){
                .type = service->descriptor,
                .streams = streams,
                .requests = requests,
                .context = rpc,
            };
    }
    weft__rpc_files_fini(&rpc->reflection->files);
    const int err = weft__rpc_describe(&rpc->reflection->files, services, count);
    weft_free(services);
    return err;
}

/* Makes the faces of a set that is complete. */
static int finish(struct weft_rpc *rpc)
{
    static const struct weft__rpc_face *const faces[WEFT__RPC_FACES] = {&weft__rpc_frames,
                                                                        &weft__rpc_http};
    const int err = rpc->reflection ? describe(rpc) : 0;
    rpc->registered = true;
    for (size_t i = 0; i < WEFT__RPC_FACES; i++) {
        rpc->served[i] = (struct weft__rpc_served){rpc, faces[i]};
        rpc->services[i] = weft__rpc_service;
        rpc->services[i].name = rpc->name;
        rpc->services[i].speaks = faces[i]->speaks;
    }
    return err;
}

int weft_rpc_register(struct weft_rpc *rpc, struct weft_registry *registry,
                      struct weft_error *error)
{
    if (!rpc || finish(rpc) < 0)
        return weft__rpc_no_memory(error);
    for (size_t i = 0; i < WEFT__RPC_FACES; i++) {
        const int err = weft_registry_add_service(registry, &rpc->services[i], &rpc->served[i]);
        if (err < 0)
            return weft_error_set(error, err, "service '%s': %s", rpc->name,
                                  err == -EEXIST ? "there is one of this name already"
                                                 : weft_strerror(err));
    }
    return 0;
}

const struct weft_service *weft_rpc_service(struct weft_rpc *rpc, void **context)
{
    if (!rpc || finish(rpc) < 0)
        return NULL;
    *context = &rpc->served[0];
    return &rpc->services[0];
}
