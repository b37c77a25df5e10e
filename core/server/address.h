/* SPDX-License-Identifier: MIT
 *
 * The addresses of a server, with their endpoints and what those have on the loops. Private to core/server; the files are
 * those of server_private.h. */
#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H

#include "core/conn/worker.h"
#include "endpoint.h"

enum { WEFT__DESCRIBE_SIZE = 512 }; /* room for a line about an endpoint */

struct weft__thread;
struct weft__address;

/* The states of a codec or a service on the loops, which all endpoints with equal configurations share. They
 * stay until the server is freed, also if no endpoint has them any more, because a service's stop may end what
 * others need, such as its store. */
struct weft__slot {
    struct weft__slot *next;
    const struct weft_codec *codec;     /* one of these two */
    const struct weft_service *service; /* is not NULL */
    const void *context;                /* what the service was registered with */
    void *config;                       /* owned */
    uint32_t id;                        /* no other slot of the server has it */
    void *loops[]; /* the state on each thread's loop; NULL: not started there */
};

/* A line about an endpoint, which lives as long as the server. Equal lines are one. */
struct weft__line {
    struct weft__line *next;
    char text[];
};

/* An endpoint. Those that share an address are side by side, and the first of them has its URL. */
struct weft__port {
    struct weft__address *address;
    struct weft_endpoint endpoint;
    struct weft__slot *codec, *service;
    /* A line for each address that is listened on; none before the address listens. */
    const char **lines;
    size_t line_count;
};

/* A part is what a thread has of an address. It is used on that thread. */
struct weft__part {
    struct weft__share share;
    struct weft__address *address;
    struct weft__thread *thread;
    /* They are for the end of a removed address: retire and cut are posted to this thread's loop, ended runs there once the
     * last connection is gone, and then gone is posted to the first loop. */
    struct weft_post retire, cut, gone;
    struct weft_deferred ended;
    struct weft__binding bindings[]; /* one per endpoint of the address */
};

/* An address with its endpoints and its listeners. */
struct weft__address {
    struct weft_server *server;
    struct weft__address *next; /* in the list of those that were removed and have not ended */
    char *urls;                 /* the URLs of its endpoints as given, with newlines between */
    char *name;                 /* the URL of the first one, without options */
    struct weft__port *ports;
    size_t count;
    struct weft__part **parts; /* one per thread */
    /* That of the first address of the host. NULL until listen is tried. */
    struct weft_listener *listener;
    bool listening;
    bool removed;            /* it accepts nobody any more */
    size_t left;             /* of a removed one: parts that have not ended */
    struct weft_timer timer; /* of a removed one: cuts what has not drained */
};

/* Returns what a thread has of an endpoint. */
static inline struct weft__binding *weft__port_binding(const struct weft__port *port, size_t thread)
{
    return &port->address->parts[thread]->bindings[port - port->address->ports];
}

/* setup.c */

/* Set *slot to the one with the endpoint's codec or service and an equal configuration, which is made of that of the
 * endpoint if there is none. Return 0, or -ENOMEM. */
WEFT_MUST_USE int weft__server_codec_slot(struct weft_server *server,
                                          struct weft_endpoint *endpoint, struct weft__slot **slot);
WEFT_MUST_USE int weft__server_service_slot(struct weft_server *server,
                                            struct weft_endpoint *endpoint,
                                            struct weft__slot **slot);
/* Starts the slot on the thread's loop, unless it is. For that loop's thread, while no other one does this. Returns 0
 * or the plugin's -errno; it may be tried again. */
WEFT_MUST_USE int weft__slot_start(struct weft__slot *slot, struct weft__thread *thread,
                                   size_t index);

/* address.c */

/* Some addresses in the order of their URLs. */
struct weft__addresses {
    struct weft__address **of; /* owned, and what it points to */
    size_t count;
};
/* Makes the addresses of URLs, which are nowhere bound or started. Returns 0, or an error with one line in *error:
 * nothing is held. */
WEFT_MUST_USE int weft__addresses_make(struct weft__addresses *made, struct weft_server *server,
                                       const char *const *urls, size_t url_count,
                                       struct weft_error *error);
/* Frees addresses that are stopped and do not listen. */
void weft__addresses_free(struct weft__addresses *addresses);
void weft__address_free(struct weft__address *address);
/* Returns the number of URLs, from the first one on, that belong to one address: it and its variants. */
size_t weft__urls_of_address(const char *const *urls, size_t url_count);
/* Returns a copy of URLs with newlines between, or NULL. */
char *weft__urls_join(const char *const *urls, size_t count);
/* Starts the endpoints on a thread's loop: their slots and their layers. For that loop's thread, while no other one does
 * this. Returns 0; or -errno, and what was started is stopped, except for slots. */
WEFT_MUST_USE int weft__address_start(struct weft__address *address, struct weft__thread *thread);
/* Stops the layers there. For that loop's thread, or when it has ended. Does nothing if the address is not started. */
void weft__address_stop(struct weft__address *address, struct weft__thread *thread);
/* Add to *sum the counters of one binding, and of an endpoint over all threads. Any thread that keeps the address from
 * going. */
void weft__counts_add(struct weft_server_counts *sum, const struct weft__counts *counts);
void weft__port_count(const struct weft__port *port, struct weft_server_counts *sum);

/* names.c */

/* Makes the lines of the endpoints, and tells the layers. The address listens. Returns 0, or -ENOMEM. */
WEFT_MUST_USE int weft__address_describe(struct weft__address *address);
/* Drops the lines about an address that is not bound any more. */
void weft__address_forget_lines(struct weft__address *address);
/* Returns the line about an endpoint, "" before it listens. Equal lines are at one place. */
const char *weft__port_line(const struct weft__port *port);

/* removed.c. Drains an address that is in the list of the removed ones, and frees it in the end. */
void weft__address_drain(struct weft__address *address);

#endif
