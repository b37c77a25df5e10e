/* SPDX-License-Identifier: MIT
 *
 * The layers before a service: they see a request begin and are asked. They hear that it ends in request.c,
 * which ends it. */
#include "layers.h"

#include <assert.h>
#include <errno.h>

#include "conn_private.h"
#include "core/base/compiler.h"

/* Asks for a service that does not. */
static bool ask_for(const struct weft__binding *binding, struct weft_request *public,
                    struct weft_rejection *why)
{
    const struct weft_action action = {.name = binding->service->name, .flags = WEFT_ACTION_WRITES};

    return weft_request_ask(public, &action, why);
}

/* Ends the request that stands for the head of a message: nobody waits for an answer. */
WEFT_NOINLINE static void end_announcement(struct weft__request *request)
{
    request->conn->peer->announcing = false;
    request->said = WEFT__SAID_ALL;
    (void)!weft_request_end(&request->public, NULL);
}

/* Refuses a request. Behind the head of a refused message comes its rest, which nobody wants to read. */
WEFT_NOINLINE static void refuse(struct weft__request *request, const struct weft_rejection *why)
{
    struct weft__conn *conn = request->conn;
    bool is_head = conn->peer && conn->peer->announcing;

    weft_request_refuse(&request->public, why);
    if (!is_head)
        return;
    conn->peer->announcing = false;
    weft__conn_close_soon(conn, WEFT_REASON_NOT_KNOWN);
}

/* Lets the layers begin, from the first that has not, and then calls the service. */
static void begin_layers(struct weft__request *request, void *loop_state, void *conn_state)
{
    struct weft_request *public = &request->public;
    const struct weft__binding *binding = request->conn->binding;
    const struct weft__layers *layers = &binding->layers;
    struct weft_rejection why;

    for (size_t i = request->layered.begun - request->layered.waited; i < layers->count; i++) {
        const struct weft_layer *layer = layers->of[i].layer;
        void *state = weft__request_state(request, layers->of[i].at);

        why = (struct weft_rejection){.cause = WEFT_REJECT_DENIED};
        if (!request->layered.waited) {
            memset(state, 0, layer->request_size);
            request->layered.begun++;
            request->layered.watched = WEFT__HEARD;
        }
        request->layered.waited = false;
        if (layer->begin && !layer->begin(layers->of[i].loop_state, state, public, &why)) {
            if (!request->layered.waited)
                refuse(request, &why);
            return;
        }
    }
    if (layers->guarded && request->conn->peer && request->conn->peer->announcing)
        end_announcement(request);
    else if (layers->guarded && !binding->service->asks && !ask_for(binding, public, &why))
        weft_request_refuse(public, &why);
    else
        binding->service->call(loop_state, conn_state, public);
}

void weft__layers_call(void *loop_state, void *conn_state, struct weft_request *public)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);

    public->layers = request->conn->binding->layers.public;
    request->layered.pass = NULL;
    begin_layers(request, loop_state, conn_state);
}

static inline bool stands(const struct weft__pass *pass)
{
    return __atomic_load_n(pass->stamp, __ATOMIC_ACQUIRE) == pass->made;
}

void weft__layers_call_one(void *loop_state, void *conn_state, struct weft_request *public)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    const struct weft__binding *binding = request->conn->binding;
    const struct weft__layers *layers = &binding->layers;
    const struct weft_layer *layer = layers->of[0].layer;
    void *state = weft__request_state(request, layers->of[0].at);
    struct weft_rejection why = {.cause = WEFT_REJECT_DENIED};

    public->layers = layers->public;
    request->layered.pass = NULL;
    request->layered.begun = 1;
    request->layered.watched = WEFT__HEARD;
    memset(state, 0, layer->request_size);
    if (!layer->begin || layer->begin(layers->of[0].loop_state, state, public, &why))
        binding->service->call(loop_state, conn_state, public);
    else if (!request->layered.waited)
        refuse(request, &why);
}

void weft__layers_call_quick(void *loop_state, void *conn_state, struct weft_request *public)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    const struct weft__peer *peer = request->conn->peer;
    const struct weft__binding *binding = request->conn->binding;

    if (public->credentials.size > 0 || !peer || !stands(&peer->pass)) {
        weft__layers_call(loop_state, conn_state, public);
        return;
    }
    public->layers = binding->layers.public;
    request->layered.pass = &peer->pass;
    binding->service->call(loop_state, conn_state, public);
}

/* Goes on with a request that the observer may time. */
WEFT_NOINLINE static void call_timed(void *loop_state, void *conn_state,
                                     struct weft__request *request)
{
    struct weft__layers *layers = &request->conn->binding->layers;

    if (layers->observer->time) {
        request->layered.timed = layers->observer->time(layers->observer_loop, &layers->untimed);
        request->layered.watched = WEFT__HEARD;
    }
    layers->inner(loop_state, conn_state, &request->public);
}

void weft__layers_observe(void *loop_state, void *conn_state, struct weft_request *public)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    struct weft__layers *layers = &request->conn->binding->layers;

    public->layers = layers->public;
    request->layered.pass = NULL;
    request->layered.watched = WEFT__WATCHED;
    if (--layers->untimed == 0)
        call_timed(loop_state, conn_state, request);
    else
        layers->inner(loop_state, conn_state, public);
}

bool weft_request_passes(const struct weft_request *public, unsigned flags, struct weft_view object)
{
    const struct weft__pass *pass =
        ((const struct weft__request *)(const void *)public)->layered.pass;

    if (!pass || ((flags | WEFT__PASS_NONE) & pass->denied))
        return weft_request_unasked(public);
    return pass->any || weft_view_equal(object, weft_view(pass->object, pass->size));
}

int weft_layer_wait(struct weft_request *public)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    struct weft__conn *conn = request->conn;
    struct weft__peer *peer = weft__conn_peer(conn);

    if (!peer || weft_request_keep(public) < 0)
        return -ENOMEM;
    assert(!peer->waiting);
    peer->waiting = request;
    peer->known = NULL;
    conn->paused = true;
    request->layered.waited = true;
    return 0;
}

void weft_layer_resume(struct weft_request *public, int result)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    struct weft__conn *conn = request->conn;

    assert(conn->peer->waiting == request && !conn->peer->resumed);
    conn->peer->result = result;
    conn->peer->resumed = true;
    weft__conn_schedule(conn);
}

void weft__layers_go_on(struct weft__conn *conn)
{
    struct weft__binding *binding = conn->binding;
    struct weft__request *request = conn->peer->waiting;
    bool begins = !conn->peer->known;

    conn->peer->waiting = NULL;
    conn->peer->resumed = false;
    if (!begins) {
        request->layered.waited = false;
        conn->peer->known(&request->public, conn->peer->result);
    } else if (weft__conn_gone(conn)) {
        (void)!weft_request_end(&request->public, NULL);
    } else {
        /* This is the request's call, so its first message is taken as in any other. */
        conn->order.calling = request;
        begin_layers(request, binding->service_loop, conn->service_conn);
        conn->order.calling = NULL;
        weft__conn_advance(conn);
    }
}

void weft__layers_meet(struct weft__conn *conn)
{
    struct weft__peer *peer = weft__conn_peer(conn);
    const struct weft__layers *layers = &conn->binding->layers;

    if (!peer)
        return;
    for (size_t i = 0; !peer->met && i < layers->count; i++)
        if (layers->of[i].layer->meet)
            layers->of[i].layer->meet(layers->of[i].loop_state, &peer->public);
    peer->met = true;
}

/* Asks where there may be a pass, or several layers. */
WEFT_NOINLINE static bool ask_each(struct weft_request *public, const struct weft_action *action,
                                   struct weft_rejection *why)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    const struct weft__layers *layers = &request->conn->binding->layers;
    bool may = true;

    /* A request that lasts may be asked about long after it came. */
    if (request->layered.pass && !stands(request->layered.pass))
        request->layered.pass = NULL;
    if (weft_request_passes(public, action->flags, action->object))
        return true;
    /* It came here with a pass, which is not for this. */
    if (layers->quick && request->layered.begun == 0) {
        memset(weft__request_state(request, layers->of[request->layered.begun++].at), 0,
               layers->of[0].layer->request_size);
        request->layered.watched = WEFT__HEARD;
    }
    for (size_t i = 0; may && i < layers->count; i++) {
        const struct weft_layer *layer = layers->of[i].layer;

        if (layer->ask)
            may = layer->ask(layers->of[i].loop_state,
                             weft__request_state(request, layers->of[i].at), public, action, why);
    }
    return may;
}

bool weft_request_ask(struct weft_request *public, const struct weft_action *action,
                      struct weft_rejection *why)
{
    struct weft__request *request = weft_container_of(public, struct weft__request, public);
    const struct weft__layers *layers = &request->conn->binding->layers;

    *why = (struct weft_rejection){.cause = WEFT_REJECT_DENIED};
    if (!public->layers)
        return true;
    public->action = public->action ? public->action : action->name;
    if (weft_request_unasked(public))
        return true;
    if (!layers->alone)
        return ask_each(public, action, why);
    const struct weft_layer *layer = layers->of[0].layer;
    return !layer->ask ||
           layer->ask(layers->of[0].loop_state, weft__request_state(request, layers->of[0].at),
                      public, action, why);
}

int weft_request_authenticate(struct weft_request *public, struct weft_view user,
                              struct weft_view secret,
                              void (*known)(struct weft_request *request, int result))
{
    struct weft__conn *conn = weft_container_of(public, struct weft__request, public)->conn;
    const struct weft__layers *layers = &conn->binding->layers;
    int result = -ENOTSUP;

    if (!weft__conn_peer(conn))
        return -ENOMEM;
    if (weft__conn_asks(conn))
        return -EBUSY;
    for (size_t i = 0; result == -ENOTSUP && i < layers->count; i++)
        if (layers->of[i].layer->authenticate)
            result =
                layers->of[i].layer->authenticate(layers->of[i].loop_state, public, user, secret);
    if (result == -EINPROGRESS)
        conn->peer->known = known;
    return result;
}
