/* SPDX-License-Identifier: MIT
 *
 * Declarations that the files of the service share. From the bottom: answer (replies), views (what is read on the
 * service's own loop), jobs (what is done on loops of the other server), service (resources and permissions). */
#ifndef WEFT_ADMIN_PRIVATE_H
#define WEFT_ADMIN_PRIVATE_H

#include <stddef.h>

#include "admin.h"
#include "services/payload/http/request.h"
#include "services/payload/json/build.h"

enum { ADMIN_HOSTS = 256 };

struct admin_config {
    struct weft_admin *admin;
    char hosts[ADMIN_HOSTS]; /* of `host`, with commas between them */
};

struct admin_loop {
    const struct admin_config *config;
    struct weft_admin *admin;
    struct weft_loop *loop;
};

/* Returns `size` rounded up, so that any state of the service for the data may lie there. */
static inline size_t admin_offset_behind(size_t size)
{
    size_t unit = _Alignof(max_align_t);
    return (size + unit - 1) / unit * unit;
}

/* --- answer.c --- */

/* Ends the request with a response: `text`, which is freed, or 500 if it has failed. */
void admin_answer(struct weft_request *request, unsigned status, const char *type,
                  struct weft_text *text);
/* Ends it with a problem (RFC 9457). fields: further fields of the head, each with its CR LF, or "". */
void admin_answer_problem(struct weft_request *request, unsigned status, const char *fields,
                          const char *detail);
/* Writes such a problem to dst, which has WEFT_REJECT_MAX bytes. Returns its size. */
size_t admin_put_problem(uint8_t *dst, unsigned status, const char *fields, const char *detail);

/* Ends it with the console. */
void admin_answer_console(struct weft_request *request);

/* --- data.c: each does nothing if there is no such service --- */

int admin_data_configure(struct admin_config *config, const struct weft_limits *limits,
                         struct weft_error *error);
int admin_data_start(struct admin_loop *self);
void admin_data_stop(struct admin_loop *self);
int admin_data_open(struct admin_loop *self, void *conn_state);
void admin_data_close(struct admin_loop *self, void *conn_state);
/* There is one. */
void admin_data_call(struct admin_loop *self, void *conn_state, struct weft_request *request);

/* --- views.c --- */

void admin_view_metrics(const struct admin_loop *self, struct weft_request *request,
                        struct weft_view accept);
void admin_view_info(const struct admin_loop *self, struct weft_request *request);
void admin_view_endpoints(const struct admin_loop *self, struct weft_request *request);
void admin_view_slow_log(const struct admin_loop *self, struct weft_request *request, size_t most);
const char *admin_state_name(enum weft_admin_state state);

/* --- jobs.c --- */

/* Each keeps the request, has the work done on the other server's loops, and answers later. */
void admin_job_connections(const struct admin_loop *self, struct weft_request *request,
                           size_t most);
void admin_job_end(const struct admin_loop *self, struct weft_request *request, uint64_t id);
void admin_job_limits(const struct admin_loop *self, struct weft_request *request);
void admin_job_act(const struct admin_loop *self, struct weft_request *request,
                   enum weft_admin_action action, struct weft_view argument);

#endif
