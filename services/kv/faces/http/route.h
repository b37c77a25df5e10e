/* SPDX-License-Identifier: MIT
 *
 * Reads an HTTP request of kv: which resource its path names, and what its query and fields ask for. docs/http.md
 * describes both for users. */
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
    KV_HTTP_CHANGES, /* /v1/tables/T/changes, /v1/changes */
    KV_HTTP_TOPIC,   /* /v1/topics/T */
    KV_HTTP_TOPICS,  /* /v1/topics */
    KV_HTTP_BATCH,   /* /v1/batch */
    KV_HTTP_HEALTH,  /* /healthz */
    KV_HTTP_SERVER   /* *, for OPTIONS */
};

/* The media types that a body may have (Content-Type). */
enum kv_http_type {
    KV_HTTP_TYPE_NONE, /* none is given, or one that does not say how to read the bytes */
    KV_HTTP_TYPE_TEXT, /* text/... */
    KV_HTTP_TYPE_BYTES,
    KV_HTTP_TYPE_JSON,
    KV_HTTP_TYPE_NDJSON
};

/* The condition of an If-Match or If-None-Match field. */
struct kv_http_condition {
    bool given, any;       /* any: the field is a star */
    struct weft_view tags; /* the list of entity tags, as it stands in the field */
};

struct kv_http_route {
    struct weft_http_request request;
    enum kv_http_resource resource;
    struct weft_view table, key;   /* percent-decoded; table: of a topic its name, or a pattern */
    struct weft_view from, prefix; /* the cursor and the prefix of a page, decoded */
    uint64_t limit;                /* the most pairs of a page; 0: it is not given */
    bool all, has_key;       /* changes: of all tables; of `key` alone. all: table is a pattern */
    bool end_if_slow;        /* of a topic */
    uint64_t after;          /* changes: after this number; 0: from now on */
    enum kv_http_type type;  /* the type of the request's body */
    bool coded;              /* the body has a Content-Encoding */
    bool wants_json;         /* Accept prefers JSON to raw bytes */
    struct weft_view origin; /* the Origin field; empty: there is none */
    struct kv_http_condition match, none_match;
    bool expires;       /* Weft-Expires-In is given */
    int64_t expires_in; /* its value in milliseconds */
    const char *wrong;  /* why the request is refused, static; set with WEFT_EMALFORMED */
};

/* Returns the methods that a resource has, in the form of an Allow field. The text is static. */
const char *kv_http_methods(enum kv_http_resource resource);

/* Reads payload into *route. The views lie in payload or in the arena, from which it allocates. Returns 0, -ENOMEM, or
 * WEFT_EMALFORMED with the reason in route->wrong. */
WEFT_MUST_USE int kv_http_route_read(struct kv_http_route *route, struct weft_view payload,
                                     struct weft_arena *arena);

/* The end of the tag of a value that was sent compressed, which the codec http writes. */
#define KV_HTTP_TAG_CODED "-gzip"

/* True if a list of entity tags has the tag of this version, with KV_HTTP_TAG_CODED or without; *coded says which.
 * weak: a tag with W/ in front counts too. */
bool kv_http_has_tag(struct weft_view tags, const uint8_t version[KV_VERSION_SIZE], bool weak,
                     bool *coded);

/* Reads a list that consists of one strong tag, of either form, as a version. False: it is anything else. */
WEFT_MUST_USE bool kv_http_read_tag(struct weft_view tags, uint8_t version[KV_VERSION_SIZE]);

#endif
