/* SPDX-License-Identifier: MIT
 *
 * How a program looks at a server that serves, from any thread: its counters as samples (base/samples.h), and a walk
 * over its connections. */
#ifndef WEFT_INSPECT_H
#define WEFT_INSPECT_H

#include "base/samples.h"
#include "connections.h"
#include "server.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tells the samples of a struct weft_server: connections by endpoint, state and reason of their end, bytes, frames,
 * compression, the frame cache, and turns of the loops if the server measures (server.h). For a struct
 * weft_collector, whose context is the server. It is added after weft_server_listen, and removed before
 * weft_server_free. */
void weft_server_collect(void *server, struct weft_samples *samples);

/* Memory for the labels of an endpoint. */
struct weft_endpoint_labels {
    char address[256], codec[64], service[64];
};
enum { WEFT_ENDPOINT_LABELS = 3 };

/* Sets the labels `endpoint`, `codec` and `service` from a line that weft_server_endpoint gave. A codec or service
 * that the line does not name is an empty text. Returns WEFT_ENDPOINT_LABELS. */
size_t weft_endpoint_label(struct weft_endpoint_labels *memory, const char *line,
                           struct weft_label labels[WEFT_ENDPOINT_LABELS]);

/* The label `endpoint` of samples that are about all endpoints that were removed and have ended; it is not one of any
 * endpoint's line. They are summed, so that a total over all endpoints does not fall. */
#define WEFT_ENDPOINT_GONE "removed"

/* An endpoint at some recent moment. */
struct weft_endpoint_row {
    const char *line; /* that of weft_server_endpoint */
    bool draining;    /* it was removed, and its last connections drain */
    struct weft_server_counts counts;
};
/* Calls `each` with every endpoint in the order of weft_server_endpoint, then with removed ones that drain. A row is
 * borrowed for its call, which must not call the server. Any thread, from weft_server_listen to weft_server_free. */
void weft_server_each_endpoint(const struct weft_server *server,
                               void (*each)(void *arg, const struct weft_endpoint_row *row),
                               void *arg);

/* Begins a walk like weft_connections_walk (connections.h), but without a request: no connection is the one that asks,
 * and walk->done is called on the loop `home`, which need not be one of the server's. home takes posts until then.
 * Any thread, while the server exists. A loop that has stopped has no connections. */
void weft_server_walk(struct weft_server *server, struct weft_loop *home, struct weft_walk *walk);

#ifdef __cplusplus
}
#endif

#endif
