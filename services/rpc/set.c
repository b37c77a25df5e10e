/* SPDX-License-Identifier: MIT */
#include "set.h"

#include <errno.h>
#include <stdlib.h>

#include "reflection.h"

struct weft_rpc *weft_rpc_new(const char *name)
{
    if (strlen(name) > WEFT__RPC_NAME_MAX)
        return NULL;
    struct weft_rpc *rpc = weft_calloc(1, sizeof *rpc);
    if (rpc)
        memcpy(rpc->name, name, strlen(name));
    return rpc;
}

void weft_rpc_free(struct weft_rpc *rpc)
{
    if (!rpc)
        return;
    for (size_t i = 0; i < rpc->count; i++)
        weft_free(rpc->methods[i]);
    weft_free(rpc->methods);
    weft_free(rpc->health);
    weft__rpc_reflection_free(rpc->reflection);
    weft_free(rpc);
}

static int by_path(const void *a, const void *b)
{
    const struct weft__rpc_method *const *one = a, *const *other = b;
    return strcmp((*one)->path, (*other)->path);
}

const struct weft__rpc_method *weft__rpc_find(const struct weft_rpc *rpc, struct weft_view target)
{
    if (target.size > 0 && target.data[0] == '/')
        target = weft_view_skip(target, 1);
    size_t low = 0, high = rpc->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct weft__rpc_method *method = rpc->methods[middle];
        size_t shorter = method->path_size < target.size ? method->path_size : target.size;
        int order = shorter > 0 ? memcmp(method->path, target.data, shorter) : 0;
        if (order == 0 && method->path_size == target.size)
            return method;
        if (order < 0 || (order == 0 && method->path_size < target.size))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool is_named(const char *const *names, const char *name)
{
    while (names && *names)
        if (strcmp(*names++, name) == 0)
            return true;
    return false;
}

static bool has_method(const ProtobufCServiceDescriptor *type, const char *name)
{
    for (unsigned i = 0; i < type->n_methods; i++)
        if (strcmp(type->methods[i].name, name) == 0)
            return true;
    return false;
}

/* Returns the first of the names that is no method, or NULL. */
static const char *find_missing(const ProtobufCServiceDescriptor *type, const char *const *names)
{
    while (names && *names && has_method(type, *names))
        names++;
    return names ? *names : NULL;
}

bool weft__rpc_has(const struct weft_rpc *rpc, const char *name)
{
    const struct weft_view wanted = weft_view_str(name);
    for (size_t i = 0; i < rpc->count; i++)
        if (weft_view_equal(rpc->methods[i]->object, wanted))
            return true;
    return false;
}

static struct weft__rpc_method *make_method(const ProtobufCService *service, unsigned index,
                                            const char *const *streams, unsigned flags)
{
    const ProtobufCServiceDescriptor *type = service->descriptor;
    const char *name = type->methods[index].name;
    const size_t of_service = strlen(type->name), size = of_service + 1 + strlen(name);
    struct weft__rpc_method *method = weft_malloc(sizeof *method + size + 1);
    if (!method)
        return NULL;
    *method = (struct weft__rpc_method){
        .service = service,
        .index = index,
        .streams = is_named(streams, name),
        .descriptor = &type->methods[index],
        .flags = flags,
        .object = weft_view(type->name, of_service),
        .path_size = size,
    };
    memcpy(method->path, type->name, of_service);
    method->path[of_service] = '/';
    memcpy(method->path + of_service + 1, name, size - of_service);
    return method;
}

int weft__rpc_no_memory(struct weft_error *error)
{
    return weft_error_set(error, -ENOMEM, "there is no memory for the services");
}

static int check_open(const struct weft_rpc *rpc, struct weft_error *error)
{
    if (!rpc)
        return weft__rpc_no_memory(error);
    if (rpc->registered)
        return weft_error_set(error, -EPERM, "'%s' has been registered; add to it before that",
                              rpc->name);
    return 0;
}

static int check_service(const struct weft_rpc *rpc, const ProtobufCServiceDescriptor *type,
                         const char *const *streams, struct weft_error *error)
{
    if (!type || type->magic != PROTOBUF_C__SERVICE_DESCRIPTOR_MAGIC)
        return weft_error_set(error, -EINVAL, "the service is none that protoc-c has made");
    const char *missing = find_missing(type, streams);
    if (missing)
        return weft_error_set(error, -EINVAL, "'%.64s' is to stream, but %.128s has no such method",
                              missing, type->name);
    if (weft__rpc_has(rpc, type->name))
        return weft_error_set(error, -EEXIST, "%.128s has been added already", type->name);
    return 0;
}

int weft__rpc_add(struct weft_rpc *rpc, const ProtobufCService *service, const char *const *streams,
                  unsigned flags, struct weft_error *error)
{
    const ProtobufCServiceDescriptor *type = service->descriptor;
    int err = check_open(rpc, error);
    if (err == 0)
        err = check_service(rpc, type, streams, error);
    if (err < 0)
        return err;
    const size_t before = rpc->count;
    struct weft__rpc_method **more =
        weft_realloc(rpc->methods, (before + type->n_methods + 1) * sizeof *more);
    if (!more)
        return weft__rpc_no_memory(error);
    rpc->methods = more;
    for (unsigned i = 0; i < type->n_methods; i++) {
        more[rpc->count] = make_method(service, i, streams, flags);
        if (!more[rpc->count])
            goto err_after_methods;
        rpc->count++;
    }
    qsort(more, rpc->count, sizeof *more, by_path);
    return 0;

err_after_methods:
    while (rpc->count > before)
        weft_free(more[--rpc->count]);
    return weft__rpc_no_memory(error);
}

int weft_rpc_add(struct weft_rpc *rpc, const ProtobufCService *service, const char *const *streams,
                 struct weft_error *error)
{
    return weft__rpc_add(rpc, service, streams, WEFT_ACTION_WRITES, error);
}

int weft_rpc_stream_requests(struct weft_rpc *rpc, const char *method, struct weft_error *error)
{
    const int err = check_open(rpc, error);
    if (err < 0)
        return err;
    for (size_t i = 0; i < rpc->count; i++)
        if (strcmp(rpc->methods[i]->path, method) == 0) {
            rpc->methods[i]->requests = true;
            return 0;
        }
    return weft_error_set(
        error, -ENOENT, "there is no method '%.128s'; a name is 'package.Service/Method'", method);
}
