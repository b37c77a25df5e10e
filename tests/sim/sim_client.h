/* SPDX-License-Identifier: MIT
 *
 * A client of a simulation: it sends its requests in parts of any size, reads when it likes, and
 * compares each byte that comes back with what it must be. */
#ifndef TEST_SIM_CLIENT_H
#define TEST_SIM_CLIENT_H

#include "lib/script_transport.h"
#include "sim_plan.h"

/* How a client ends: after it has sent its requests, or instead of the rest of them. */
enum sim_manners {
    SIM_POLITE,      /* ends its side and reads to the end */
    SIM_TRUNCATES,   /* the same, inside a frame */
    SIM_LOSES,       /* sends a frame too big to be skipped */
    SIM_RESETS,      /* as it says */
    SIM_HANGS_UP,    /* closes, without reading */
    SIM_NEVER_READS, /* sends and reads nothing */
    SIM_FALLS_SILENT /* inside a frame */
};

enum { SIM_MAX_REQUESTS = 12 };

struct sim_bytes {
    uint8_t *data;
    size_t begin, end, cap;
};

struct sim_client {
    struct script_end *end; /* NULL: it has let go */
    uint64_t seed;
    uint32_t id;
    bool gzip;
    enum sim_manners manners;
    uint32_t requests; /* how many it wants to send */

    uint32_t made;            /* requests whose frames are in `out` or sent */
    struct sim_bytes out, in; /* still to send; received and not looked at */
    bool all_sent;

    uint32_t index, reply;            /* what is to come next */
    uint8_t pushed[SIM_MAX_REQUESTS]; /* messages heard of a SIM_LOOSE; 0: none, it was refused */
    uint32_t executed; /* requests whose answer says that the service has seen them */
    bool refused;      /* heard that the server takes nobody: nothing else may come */
    bool drained;      /* heard that the server drains: every later request too */
    bool eof, reset;
    const char *wrong; /* what it has heard that it must not; NULL: nothing */
};

void sim_client_init(struct sim_client *client, uint64_t seed, uint32_t id, bool gzip,
                     enum sim_manners manners, uint32_t requests);
/* Lets go of its end, if it has not. */
void sim_client_fini(struct sim_client *client);

/* Sends at most size bytes; the last ones do what its manners say. */
void sim_client_send(struct sim_client *client, size_t size);
/* Reads at most size bytes and looks at them; at the end it lets go as well. */
void sim_client_read(struct sim_client *client, size_t size);

/* True if all requests that it has made were answered. */
bool sim_client_is_answered(struct sim_client *client);
/* It will do nothing more: it has seen the end, or waits for the server to do something. */
bool sim_client_is_done(const struct sim_client *client);

#endif
