/* SPDX-License-Identifier: MIT
 *
 * Reads an HTTP request of kv: which resource it names, and what its fields ask for. docs/http.md is the
 * description for users. Allocates from the request's arena alone. */
#ifndef KV_HTTP_ROUTE_H
#define KV_HTTP_ROUTE_H

#include "core/base/mem.h"
#include "services/kv/update.h"
#include "services/payload/http/request.h"

enum kv_http_resource {
    KV_HTTP_NOTHING, /* no resource has this path */
    KV_HTTP_KEY,     /* /v1/tables/T/keys/K */
    KV_HTTP_TABLE,   /* /v1/tables/T */
    KV_HTTP_TABLES,  /* /v1/tables */
    KV_HTTP_BATCH,   /* /v1/batch */
    KV_HTTP_HEALTH,  /* /healthz */
    KV_HTTP_SERVER   /* *, for OPTIONS */
};

/* The media types that a body may have. */
enum kv_http_type {
    KV_HTTP_TYPE_NONE, /* none is named, or one that says nothing of the bytes */
    KV_HTTP_TYPE_TEXT, /* text/... */
    KV_HTTP_TYPE_BYTES,
    KV_HTTP_TYPE_JSON,
    KV_HTTP_TYPE_NDJSON
};

/* A condition of If-Match or If-None-Match. */
struct kv_http_condition {
    bool given, any; /* any: a star */
    struct weft_view tags;
};

struct kv_http_route {
    struct weft_http_request request;
    enum kv_http_resource resource;
    struct weft_view table, key;   /* decoded */
    struct weft_view from, prefix; /* decoded: the cursor and the prefix of a page */
    uint64_t limit;                /* 0: none is given */
    enum kv_http_type type;        /* of the body */
    bool wants_json;               /* by Accept, before raw bytes */
    struct weft_view origin;       /* of the page that asks; empty: no page does */
    struct kv_http_condition match, none_match;
    bool expires;       /* Weft-Expires-In is given */
    int64_t expires_in; /* milliseconds */
    const char *wrong;  /* out: why the request is refused, static */
};

/* The methods that a resource has, as an Allow field lists them. Static. */
const char *kv_http_methods(enum kv_http_resource resource);

/* Reads payload. Returns 0; WEFT_EMALFORMED: route->wrong says why; -ENOMEM. */
WEFT_MUST_USE int kv_http_route_read(struct kv_http_route *route, struct weft_view payload,
                                     struct weft_arena *arena);

/* True if a list of entity tags has the one of this version. weak: W/ before a tag does not matter. */
bool kv_http_has_tag(struct weft_view tags, const uint8_t version[KV_VERSION_SIZE], bool weak);

/* Reads a list that is one strong tag as a version. False: it is anything else. */
WEFT_MUST_USE bool kv_http_read_tag(struct weft_view tags, uint8_t version[KV_VERSION_SIZE]);

#endif
