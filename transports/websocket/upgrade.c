/* SPDX-License-Identifier: MIT */
#include "upgrade.h"

#include <errno.h>
#include <strings.h>

#include "accept_key.h"
#include "append.h"
#include "page.h"

static const char *reason_phrase(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 426:
        return "Upgrade Required";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "HTTP Version Not Supported";
    }
}

/* Fields that the answer must have besides those of all. */
static const char *more_fields(int status)
{
    switch (status) {
    case 405:
        return "Allow: GET\r\n";
    case 426:
        return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    default:
        return "";
    }
}

int weft__ws_refuse(int status, const char *why, struct weft_chain *out)
{
    return weft__ws_print(out,
                          "HTTP/1.1 %d %s\r\n"
                          "Connection: %sclose\r\n"
                          "Content-Type: text/plain; charset=utf-8\r\n"
                          "Content-Length: %zu\r\n"
                          "Cache-Control: no-store\r\n"
                          "X-Content-Type-Options: nosniff\r\n"
                          "%s\r\n%s\n",
                          status, reason_phrase(status), status == 426 ? "upgrade, " : "",
                          strlen(why) + 1, more_fields(status), why);
}

/* Cuts an absolute http URI down to its path, and the query off. Returns false if it is no path. */
static bool read_target(struct weft_view *target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < 2 && target->data[0] != '/'; i++) {
        size_t size = strlen(schemes[i]);
        if (target->size <= size || strncasecmp((const char *)target->data, schemes[i], size) != 0)
            continue;
        struct weft_view rest = weft_view_skip(*target, size);
        const uint8_t *slash = memchr(rest.data, '/', rest.size);
        *target = slash ? weft_view_skip(rest, (size_t)(slash - rest.data)) : weft_view_str("/");
        break;
    }
    if (target->data[0] != '/' || memchr(target->data, '#', target->size))
        return false;
    const uint8_t *query = memchr(target->data, '?', target->size);
    if (query)
        target->size = (size_t)(query - target->data);
    return true;
}

/* True if the host of a Host field is localhost or an address, so that no name server decides where it leads. */
static bool is_address(struct weft_view host)
{
    if (host.size > 0 && host.data[0] == '[')
        return true;
    const uint8_t *colon = host.size > 0 ? memchr(host.data, ':', host.size) : NULL;
    if (colon)
        host.size = (size_t)(colon - host.data);
    if (weft__ws_is_word(host, "localhost"))
        return true;
    for (size_t i = 0; i < host.size; i++)
        if (host.data[i] != '.' && (host.data[i] < '0' || host.data[i] > '9'))
            return false;
    return host.size > 0;
}

static bool is_listed(const char *origins, struct weft_view origin)
{
    while (*origins) {
        size_t size = strcspn(origins, ",");
        if (size == origin.size && strncasecmp(origins, (const char *)origin.data, size) == 0)
            return true;
        origins += size + (origins[size] == ',');
    }
    return false;
}

const char *weft__ws_check_origin(const char *origins, struct weft_view origin,
                                  struct weft_view host)
{
    if (strcmp(origins, "*") == 0 || is_listed(origins, origin))
        return NULL;
    if (origins[0] != '\0')
        return "the page's origin is not in the option origin";
    for (size_t i = 0; i < 2; i++) {
        const char *scheme = i == 0 ? "http://" : "https://";
        size_t size = strlen(scheme);
        if (origin.size != size + host.size ||
            strncasecmp((const char *)origin.data, scheme, size) != 0 ||
            strncasecmp((const char *)origin.data + size, (const char *)host.data, host.size) != 0)
            continue;
        /* Whoever owns a name can let it lead here after a page was loaded from elsewhere (DNS rebinding). */
        return is_address(host) ? NULL
                                : "a page of a host with a name needs the option origin=ORIGIN";
    }
    return "the page is of another origin; the option origin=ORIGIN lets it in";
}

/* Sets *chosen to the first subprotocol of ours that the client offers, or to NULL if it offers none at all.
 * Returns false if it offers only others. */
static bool choose_protocol(const struct weft__ws_config *config, const struct weft__ws_head *head,
                            const char **chosen)
{
    static const char field[] = "Sec-WebSocket-Protocol";
    size_t count;

    for (const char *p = config->protocols; *p; p += strlen(p) + 1)
        if (weft__ws_head_lists(head, field, p, true)) {
            *chosen = p;
            return true;
        }
    *chosen = NULL;
    (void)weft__ws_head_only(head, field, &count);
    return count == 0;
}

/* Checks what any request must have. Returns 0 or the status of the refusal. */
static int check_request(struct weft__ws_head *head, const char **why)
{
    size_t count, bodies;

    if (!weft_view_equal(head->line[2], weft_view_str("HTTP/1.1"))) {
        *why = "only HTTP/1.1 can become a WebSocket";
        return 505;
    }
    if (!weft_view_equal(head->line[0], weft_view_str("GET")) &&
        !weft_view_equal(head->line[0], weft_view_str("HEAD"))) {
        *why = "a WebSocket begins with GET";
        return 405;
    }
    *why = "the request needs one Host field";
    struct weft_view host = weft__ws_head_only(head, "Host", &count);
    if (count != 1 || host.size == 0 || !read_target(&head->line[1])) {
        *why = count == 1 && host.size > 0 ? "the target is not a path" : *why;
        return 400;
    }
    *why = "the request has a body";
    struct weft_view length = weft__ws_head_only(head, "Content-Length", &bodies);
    (void)weft__ws_head_only(head, "Transfer-Encoding", &count);
    return count > 0 || bodies > 1 || (bodies == 1 && !weft__ws_is_word(length, "0")) ? 400 : 0;
}

/* Checks what makes the request an opening handshake (RFC 6455, section 4.2.1). Returns 0 or the status of the
 * refusal. */
static int check_handshake(const struct weft__ws_config *config, const struct weft__ws_head *head,
                           struct weft_view *key, const char **why)
{
    size_t versions, keys, origins;
    struct weft_view version = weft__ws_head_only(head, "Sec-WebSocket-Version", &versions);
    struct weft_view origin = weft__ws_head_only(head, "Origin", &origins);
    struct weft_view host = weft__ws_head_only(head, "Host", &keys);

    *key = weft__ws_head_only(head, "Sec-WebSocket-Key", &keys);
    if (!weft_view_equal(head->line[0], weft_view_str("GET"))) {
        *why = "a WebSocket begins with GET";
        return 405;
    }
    if (!weft_view_equal(head->line[1], weft_view_str(config->path))) {
        *why = "there is no WebSocket at this path";
        return 404;
    }
    *why = "the field Connection does not say upgrade";
    if (!weft__ws_head_lists(head, "Connection", "upgrade", false))
        return 400;
    *why = "only version 13 of WebSocket is spoken here";
    if (versions != 1 || !weft_view_equal(version, weft_view_str("13")))
        return versions > 1 ? 400 : 426;
    *why = "the request needs one Sec-WebSocket-Key of 16 bytes in base64";
    if (keys != 1 || !weft__ws_key_valid(*key))
        return 400;
    *why = "more than one Origin field";
    if (origins > 1)
        return 400;
    *why = origins == 1 ? weft__ws_check_origin(config->origins, origin, host) : NULL;
    return *why ? 403 : 0;
}

static int accept_handshake(struct weft_view key, const char *protocol, struct weft_chain *out)
{
    char accept[WEFT__WS_ACCEPT_SIZE];

    weft__ws_accept(accept, key);
    return weft__ws_print(out,
                          "HTTP/1.1 101 Switching Protocols\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %.*s\r\n"
                          "%s%s%s\r\n",
                          WEFT__WS_ACCEPT_SIZE, accept, protocol ? "Sec-WebSocket-Protocol: " : "",
                          protocol ? protocol : "", protocol ? "\r\n" : "");
}

int weft__ws_upgrade(const struct weft__ws_config *config, struct weft_view request,
                     struct weft_chain *out, struct weft__ws_answer *answer)
{
    struct weft__ws_head head;
    struct weft_view key;
    const char *protocol;
    size_t count;

    *answer = (struct weft__ws_answer){.status = 400};
    answer->why = weft__ws_head_read(&head, request, false);
    if (answer->why)
        return weft__ws_refuse(400, answer->why, out);
    answer->status = check_request(&head, &answer->why);
    if (answer->status != 0)
        return weft__ws_refuse(answer->status, answer->why, out);
    if (!weft__ws_head_lists(&head, "Upgrade", "websocket", false)) {
        const struct weft__ws_file *file = weft__ws_page_find(config->pages, head.line[1]);
        answer->status = file ? 200 : config->pages ? 404 : 426;
        answer->why = file            ? NULL
                      : config->pages ? "there is no such page"
                                      : "this is a WebSocket endpoint";
        return file ? weft__ws_page_answer(file, head.line[0].size == strlen("HEAD"), out)
                    : weft__ws_refuse(answer->status, answer->why, out);
    }
    answer->status = check_handshake(config, &head, &key, &answer->why);
    if (answer->status != 0)
        return weft__ws_refuse(answer->status, answer->why, out);
    if (!choose_protocol(config, &head, &protocol)) {
        answer->status = 400;
        answer->why = "the endpoint speaks none of the offered subprotocols";
        return weft__ws_refuse(400, answer->why, out);
    }
    answer->status = 101;
    answer->protocol = protocol;
    answer->credentials = weft__ws_head_only(&head, "Authorization", &count);
    return accept_handshake(key, protocol, out);
}
