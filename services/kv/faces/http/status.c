/* SPDX-License-Identifier: MIT */
#include "status.h"

/* The reasons of RFC 9110 and RFC 4918, which are the titles of problems, too. */
static const struct {
    unsigned status;
    const char *line;
} statuses[] = {
    {200, "HTTP/1.1 200 OK\r\n"},
    {201, "HTTP/1.1 201 Created\r\n"},
    {204, "HTTP/1.1 204 No Content\r\n"},
    {304, "HTTP/1.1 304 Not Modified\r\n"},
    {400, "HTTP/1.1 400 Bad Request\r\n"},
    {401, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"kv\", Bearer\r\n"},
    {403, "HTTP/1.1 403 Forbidden\r\n"},
    {404, "HTTP/1.1 404 Not Found\r\n"},
    {405, "HTTP/1.1 405 Method Not Allowed\r\n"},
    {409, "HTTP/1.1 409 Conflict\r\n"},
    {410, "HTTP/1.1 410 Gone\r\n"},
    {412, "HTTP/1.1 412 Precondition Failed\r\n"},
    {413, "HTTP/1.1 413 Content Too Large\r\n"},
    {414, "HTTP/1.1 414 URI Too Long\r\n"},
    {415, "HTTP/1.1 415 Unsupported Media Type\r\n"},
    {429, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n"},
    {431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
    {501, "HTTP/1.1 501 Not Implemented\r\n"},
    {503, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"},
    {504, "HTTP/1.1 504 Gateway Timeout\r\n"},
    {507, "HTTP/1.1 507 Insufficient Storage\r\n"},
    {500, "HTTP/1.1 500 Internal Server Error\r\n"},
};
enum { STATUSES = sizeof statuses / sizeof *statuses, BEFORE_STATUS = 9 };

const char *kv__http_status_line(unsigned status)
{
    size_t i = 0;
    while (i < STATUSES - 1 && statuses[i].status != status)
        i++;
    return statuses[i].line;
}

struct weft_view kv__http_title(unsigned status)
{
    const char *title = kv__http_status_line(status) + BEFORE_STATUS;
    return weft_view(title, strcspn(title, "\r"));
}
