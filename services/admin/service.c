/* SPDX-License-Identifier: MIT
 *
 * The resources, and who may use them.
 *
 * A browser on the operator's machine must not act for a page of a stranger. Such a page can send requests to any
 * address, but its browser then names the page's origin; and a page whose name a stranger lets point to this machine
 * is reached by that name. So a request that names another origin is refused, and one that names another host, too,
 * unless it came over a Unix socket or users have to log in. */
#include "admin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/units.h"
#include "core/layer.h"
#include "private.h"

enum { HOST_SIZE = 128, LIMIT_DEFAULT = 1000, LIMIT_MOST = 100000 };

void weft_admin_set_server(struct weft_admin *admin, struct weft_server *server)
{
    atomic_store(&admin->server, server);
}

void weft_admin_set_state(struct weft_admin *admin, enum weft_admin_state state)
{
    atomic_store(&admin->state, (int)state);
}

void weft_admin_set_progress(struct weft_admin *admin, uint64_t done, uint64_t total,
                             const char *unit)
{
    atomic_store(&admin->loaded, done);
    atomic_store(&admin->load_total, total);
    atomic_store(&admin->load_unit, unit);
}

/* --- a request ------------------------------------------------------------------------------------- */

struct asked {
    const struct admin_loop *loop;
    struct weft_request *request;
    struct weft_http_request http;
    struct weft_view accept, origin, host;
    uint64_t limit;         /* of ?limit= */
    uint64_t id;            /* of /connections/ID */
    struct weft_view level; /* of ?level=, or the body */
};

static void show_index(struct asked *asked);

static void show_health(struct asked *asked)
{
    struct weft_text text = {.failed = false};
    weft_text_puts(&text, "ok\n");
    admin_answer(asked->request, 200, "text/plain; charset=utf-8", &text);
}

/* Adds how much is loaded, as in ": 1048576 of 4194304 bytes". */
static void put_progress(struct weft_admin *admin, struct weft_text *text)
{
    const char *unit = atomic_load(&admin->load_unit);
    uint64_t total = atomic_load(&admin->load_total);
    if (!unit)
        return;
    weft_text_printf(text, ": %" PRIu64, atomic_load(&admin->loaded));
    if (total > 0)
        weft_text_printf(text, " of %" PRIu64, total);
    weft_text_printf(text, " %s", unit);
}

static void show_readiness(struct asked *asked)
{
    struct weft_text text = {.failed = false};
    enum weft_admin_state state = (enum weft_admin_state)atomic_load(&asked->loop->admin->state);
    weft_text_printf(&text, "%s", admin_state_name(state));
    if (state == WEFT_ADMIN_LOADING)
        put_progress(asked->loop->admin, &text);
    weft_text_puts(&text, "\n");
    admin_answer(asked->request, state == WEFT_ADMIN_READY ? 200 : 503, "text/plain; charset=utf-8",
                 &text);
}

static void show_metrics(struct asked *asked)
{
    admin_view_metrics(asked->loop, asked->request, asked->accept);
}

static void show_info(struct asked *asked)
{
    admin_view_info(asked->loop, asked->request);
}

static void show_endpoints(struct asked *asked)
{
    admin_view_endpoints(asked->loop, asked->request);
}

static void show_slow_log(struct asked *asked)
{
    admin_view_slow_log(asked->loop, asked->request, (size_t)asked->limit);
}

static void reset_slow_log(struct asked *asked)
{
    if (!asked->loop->admin->slow_log) {
        admin_answer_problem(asked->request, 501, "", "There is no slow log: see --slowlog");
        return;
    }
    weft_slow_log_reset(asked->loop->admin->slow_log);
    show_slow_log(asked);
}

static void show_limits(struct asked *asked)
{
    admin_job_limits(asked->loop, asked->request);
}

static void show_connections(struct asked *asked)
{
    admin_job_connections(asked->loop, asked->request, (size_t)asked->limit);
}

static void end_connection(struct asked *asked)
{
    admin_job_end(asked->loop, asked->request, asked->id);
}

static void drain(struct asked *asked)
{
    admin_job_act(asked->loop, asked->request, WEFT_ADMIN_DRAIN, weft_view(NULL, 0));
}

static void set_log_level(struct asked *asked)
{
    admin_job_act(asked->loop, asked->request, WEFT_ADMIN_LOG_LEVEL, asked->level);
}

static void make_snapshot(struct asked *asked)
{
    admin_job_act(asked->loop, asked->request, WEFT_ADMIN_SNAPSHOT, weft_view(NULL, 0));
}

static void reload(struct asked *asked)
{
    admin_job_act(asked->loop, asked->request, WEFT_ADMIN_RELOAD, weft_view(NULL, 0));
}

/* A path that ends with a slash takes the number of a connection behind it. */
static const struct resource {
    const char *path;
    enum weft_http_method method; /* HEAD is GET */
    unsigned flags;               /* of weft_action */
    void (*answer)(struct asked *asked);
} resources[] = {
    {"/", WEFT_HTTP_GET, WEFT_ACTION_PLAIN, show_index},
    {"/healthz", WEFT_HTTP_GET, WEFT_ACTION_OPEN, show_health},
    {"/readyz", WEFT_HTTP_GET, WEFT_ACTION_OPEN, show_readiness},
    {"/metrics", WEFT_HTTP_GET, WEFT_ACTION_PLAIN, show_metrics},
    {"/info", WEFT_HTTP_GET, WEFT_ACTION_PLAIN, show_info},
    {"/endpoints", WEFT_HTTP_GET, WEFT_ACTION_PLAIN, show_endpoints},
    {"/limits", WEFT_HTTP_GET, WEFT_ACTION_PLAIN, show_limits},
    {"/connections", WEFT_HTTP_GET, WEFT_ACTION_ADMIN, show_connections},
    {"/connections/", WEFT_HTTP_DELETE, WEFT_ACTION_ADMIN | WEFT_ACTION_WRITES, end_connection},
    {"/slowlog", WEFT_HTTP_GET, WEFT_ACTION_ADMIN, show_slow_log},
    {"/slowlog", WEFT_HTTP_DELETE, WEFT_ACTION_ADMIN | WEFT_ACTION_WRITES, reset_slow_log},
    {"/drain", WEFT_HTTP_POST, WEFT_ACTION_ADMIN | WEFT_ACTION_WRITES, drain},
    {"/log-level", WEFT_HTTP_POST, WEFT_ACTION_ADMIN | WEFT_ACTION_WRITES, set_log_level},
    {"/snapshot", WEFT_HTTP_POST, WEFT_ACTION_ADMIN | WEFT_ACTION_WRITES, make_snapshot},
    {"/reload", WEFT_HTTP_POST, WEFT_ACTION_ADMIN | WEFT_ACTION_WRITES, reload},
};

enum { RESOURCES = sizeof resources / sizeof *resources };

/* A browser names HTML before anything else; curl and its like take anything and get the list. */
static void show_index(struct asked *asked)
{
    struct weft_text text = {.failed = false};
    if (weft_http_quality(asked->accept, "text/html") >
        weft_http_quality(asked->accept, "text/plain")) {
        admin_answer_console(asked->request);
        return;
    }
    for (size_t i = 1; i < RESOURCES; i++)
        weft_text_printf(&text, "%-6s %s%s\n",
                         resources[i].method == WEFT_HTTP_GET    ? "GET"
                         : resources[i].method == WEFT_HTTP_POST ? "POST"
                                                                 : "DELETE",
                         resources[i].path,
                         resources[i].path[strlen(resources[i].path) - 1] == '/' ? "ID" : "");
    admin_answer(asked->request, 200, "text/plain; charset=utf-8", &text);
}

/* --- hosts ----------------------------------------------------------------------------------------- */

/* Copies a host without its port and without the brackets of IPv6. Returns dst, or NULL if it is too long. */
static const char *host_of(struct weft_view host, char dst[HOST_SIZE])
{
    size_t size = host.size, begin = 0;
    if (size > 0 && host.data[0] == '[') {
        const uint8_t *end = memchr(host.data, ']', size);
        begin = 1;
        size = end ? (size_t)(end - host.data) : size;
    } else {
        const uint8_t *colon = size > 0 ? memchr(host.data, ':', size) : NULL;
        size = colon ? (size_t)(colon - host.data) : size;
    }
    if (size < begin || size - begin >= HOST_SIZE)
        return NULL;
    if (size > begin)
        memcpy(dst, host.data + begin, size - begin);
    dst[size - begin] = '\0';
    return dst;
}

static bool is_listed(const char *hosts, const char *host)
{
    struct weft_view list = weft_view_str(hosts), name;
    while (weft_http_next_element(&list, &name))
        if (weft_http_is(name, host))
            return true;
    return false;
}

static bool is_host_good(const struct asked *asked)
{
    char host[HOST_SIZE];
    uint8_t address[16];
    const struct weft_peer *peer;
    /* Users have to log in, or no browser can reach it. HTTP/1.0 need not name the host, but browsers do. */
    if (asked->request->layers || asked->host.size == 0)
        return true;
    peer = weft_request_peer(asked->request);
    if (peer && strcmp(peer->address, "unix") == 0)
        return true;
    if (!host_of(asked->host, host))
        return false;
    return strcasecmp(host, "localhost") == 0 || inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1 || is_listed(asked->loop->config->hosts, host);
}

/* True if no page asks, or one of this service's own. */
static bool is_origin_good(const struct asked *asked)
{
    static const char *const schemes[] = {"http://", "https://"};
    if (asked->origin.size == 0)
        return true;
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (asked->origin.size == size + asked->host.size && asked->host.size > 0 &&
            memcmp(asked->origin.data, schemes[i], size) == 0 &&
            memcmp(asked->origin.data + size, asked->host.data, asked->host.size) == 0)
            return true;
    }
    return false;
}

/* --- reading --------------------------------------------------------------------------------------- */

static void read_fields(struct asked *asked)
{
    struct weft_view fields = asked->http.fields, name, value;
    while (weft_http_next_field(&fields, &name, &value)) {
        if (weft_http_is(name, "accept"))
            asked->accept = value;
        else if (weft_http_is(name, "origin"))
            asked->origin = value;
        else if (weft_http_is(name, "host"))
            asked->host = value;
    }
}

static bool read_number(struct weft_view text, uint64_t *number)
{
    char digits[24];
    if (text.size == 0 || text.size >= sizeof digits)
        return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    return weft_parse_count(digits, number) == 0;
}

/* False: a parameter is wrong. */
static bool read_parameters(struct asked *asked)
{
    struct weft_view query = asked->http.query, name, value;
    asked->limit = LIMIT_DEFAULT;
    asked->level = asked->http.body;
    while (asked->level.size > 0 && asked->level.data[asked->level.size - 1] <= ' ')
        asked->level.size--;
    while (weft_http_next_parameter(&query, &name, &value)) {
        if (weft_http_is(name, "level"))
            asked->level = value;
        else if (!weft_http_is(name, "limit") || !read_number(value, &asked->limit) ||
                 asked->limit > LIMIT_MOST)
            return false;
    }
    return true;
}

static bool is_path(const struct resource *resource, struct asked *asked)
{
    size_t size = strlen(resource->path);
    struct weft_view path = asked->http.path;
    if (size > 1 && resource->path[size - 1] == '/')
        return path.size > size && memcmp(path.data, resource->path, size) == 0 &&
               read_number(weft_view_skip(path, size), &asked->id);
    return weft_view_equal(path, weft_view_str(resource->path));
}

/* Returns the resource, or NULL. *is_known is true if there is one with another method. */
static const struct resource *find_resource(struct asked *asked, bool *is_known)
{
    enum weft_http_method method = asked->http.method;
    *is_known = false;
    for (size_t i = 0; i < RESOURCES; i++) {
        if (!is_path(&resources[i], asked))
            continue;
        *is_known = true;
        if (resources[i].method == (method == WEFT_HTTP_HEAD ? WEFT_HTTP_GET : method))
            return &resources[i];
    }
    return NULL;
}

static bool may(struct asked *asked, const struct resource *resource)
{
    const struct weft_action action = {.name = resource->path, .flags = resource->flags};
    struct weft_rejection why;
    if (!asked->request->layers || weft_request_ask(asked->request, &action, &why))
        return true;
    weft_request_refuse(asked->request, &why);
    return false;
}

static bool is_data(const struct asked *asked)
{
    static const char prefix[] = "/v1/";
    return asked->loop->admin->data && asked->http.path.size >= sizeof prefix - 1 &&
           memcmp(asked->http.path.data, prefix, sizeof prefix - 1) == 0;
}

static void answer(struct asked *asked)
{
    bool is_known;
    const struct resource *resource = find_resource(asked, &is_known);
    if (!resource)
        admin_answer_problem(asked->request, is_known ? 405 : 404, "",
                             is_known ? "The resource does not have this method"
                                      : "Nothing is here: see docs/admin.md");
    else if (!read_parameters(asked))
        admin_answer_problem(asked->request, 400, "",
                             "The parameters are limit=0...100000 and, of /log-level, level=NAME");
    else if (may(asked, resource))
        resource->answer(asked);
}

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    struct asked asked = {.loop = loop_state, .request = request};
    if (!weft_http_read(request->payload, &asked.http)) {
        admin_answer_problem(request, 400, "", "This is no request");
        return;
    }
    read_fields(&asked);
    if (!is_host_good(&asked)) {
        admin_answer_problem(request, 403, "",
                             "The Host is neither localhost nor an address; allow it by host=NAME");
        return;
    }
    if (!is_origin_good(&asked)) {
        admin_answer_problem(request, 403, "", "Pages of other origins may not use this");
        return;
    }
    if (is_data(&asked))
        admin_data_call(loop_state, conn_state, request);
    else
        answer(&asked);
}

/* --- the service ----------------------------------------------------------------------------------- */

static size_t reject(void *loop_state, const struct weft_rejection *rejection, uint8_t *dst)
{
    char detail[160];
    (void)loop_state;
    switch (rejection->cause) {
    case WEFT_REJECT_NOT_KNOWN:
        return admin_put_problem(dst, 401, "WWW-Authenticate: Basic realm=\"weft\"\r\n",
                                 rejection->what ? rejection->what : "Log in first");
    case WEFT_REJECT_DENIED:
        return admin_put_problem(dst, 403, "", rejection->what ? rejection->what : "You may not");
    case WEFT_REJECT_RATE:
        return admin_put_problem(dst, 429, "", "Too often");
    case WEFT_REJECT_MALFORMED:
        return admin_put_problem(dst, 400, "", rejection->what ? rejection->what : "Malformed");
    case WEFT_REJECT_TOO_BIG:
    case WEFT_REJECT_REPLY_TOO_BIG:
        (void)snprintf(detail, sizeof detail, "Too big: %s is %" PRIu64,
                       rejection->what ? rejection->what : "the limit", rejection->limit);
        return admin_put_problem(dst, rejection->cause == WEFT_REJECT_TOO_BIG ? 413 : 500, "",
                                 detail);
    case WEFT_REJECT_TOO_MANY:
    case WEFT_REJECT_DRAINING:
    case WEFT_REJECT_DEADLINE:
    case WEFT_REJECT_NO_MEMORY:
        break;
    }
    return admin_put_problem(dst, 503, "", "Not at present");
}

static const struct weft_option options[] = {
    {"host", "NAME,...", "names by which browsers may reach it (default localhost)"},
    {.name = NULL},
};

static int configure(void *memory, void *context, const struct weft_option_set *set,
                     const struct weft_limits *limits, struct weft_error *error)
{
    struct admin_config *config = memory;
    const char *hosts = weft_option_get(set, "host");
    config->admin = context;
    if (hosts && strlen(hosts) >= sizeof config->hosts)
        return weft_error_set(error, WEFT_ECONFIG, "host: at most %d bytes of names",
                              ADMIN_HOSTS - 1);
    if (hosts)
        strcpy(config->hosts, hosts);
    return admin_data_configure(config, limits, error);
}

static int start(void *memory, const void *config, struct weft_loop *loop)
{
    struct admin_loop *self = memory;
    self->config = config;
    self->admin = self->config->admin;
    self->loop = loop;
    return admin_data_start(self);
}

static void stop(void *memory)
{
    admin_data_stop(memory);
}

static int open_connection(void *conn_state, void *loop_state)
{
    return admin_data_open(loop_state, conn_state);
}

static void close_connection(void *conn_state, void *loop_state)
{
    admin_data_close(loop_state, conn_state);
}

const struct weft_service weft_admin_service = {
    .name = "admin",
    .speaks = "http",
    .asks = true,
    .options = options,
    .config_size = sizeof(struct admin_config),
    .loop_size = sizeof(struct admin_loop),
    .configure = configure,
    .start = start,
    .stop = stop,
    .open = open_connection,
    .close = close_connection,
    .call = call,
    .reject = reject,
};
