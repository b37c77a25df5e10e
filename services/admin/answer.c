/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "console/console.h"
#include "private.h"

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 429:
        return "Too Many Requests";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

/* Nothing here may be kept, shown in a frame of another page, or taken for another type. */
static const char common_fields[] = "Cache-Control: no-store\r\n"
                                    "X-Content-Type-Options: nosniff\r\n"
                                    "X-Frame-Options: DENY\r\n";

static int put_head(char *dst, size_t room, unsigned status, const char *type, const char *fields,
                    size_t size)
{
    return snprintf(dst, room,
                    "HTTP/1.1 %u %s\r\nContent-Type: %s\r\n%s%sContent-Length: %zu\r\n\r\n", status,
                    reason_of(status), type, common_fields, fields, size);
}

size_t admin_put_problem(uint8_t *dst, unsigned status, const char *fields, const char *detail)
{
    char head[WEFT_REJECT_MAX], body[WEFT_REJECT_MAX];
    /* The texts are this service's own, or errors of the system, so they need no escape; quotes become apostrophes. */
    int size =
        snprintf(body, sizeof body, "{\"title\":\"%s\",\"status\":%u,\"detail\":\"%.160s\"}\n",
                 reason_of(status), status, detail);
    for (char *at = strstr(body, "\"detail\":\"") + 10; *at && at[1] != '}'; at++)
        if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ')
            *at = '\'';
    int head_size =
        put_head(head, sizeof head, status, "application/problem+json", fields, (size_t)size);
    memcpy(dst, head, (size_t)head_size);
    memcpy(dst + head_size, body, (size_t)size);
    return (size_t)head_size + (size_t)size;
}

static void end_with(struct weft_request *request, unsigned status, struct weft_view message)
{
    const struct weft_body_bytes body = weft_body_from_view(message);
    request->status = status;
    /* Behind another request there may be no room. Then the connection gets no answer, which only a peer that sends
     * many requests without reading any brings about. */
    if (weft_request_end(request, &body.body) < 0)
        (void)!weft_request_end(request, NULL);
}

void admin_answer_problem(struct weft_request *request, unsigned status, const char *fields,
                          const char *detail)
{
    uint8_t text[WEFT_REJECT_MAX];
    size_t size = admin_put_problem(text, status, fields, detail);
    end_with(request, status, weft_view(text, size));
}

static void end_with_text(struct weft_request *request, unsigned status, struct weft_text *whole)
{
    if (whole->failed)
        admin_answer_problem(request, 503, "", "There is no memory for the answer");
    else
        end_with(request, status, weft_text_view(whole));
    weft_text_fini(whole);
}

void admin_answer_console(struct weft_request *request)
{
    struct weft_text whole = {.failed = false};
    weft_text_printf(&whole,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n%s"
                     "Content-Security-Policy: %s\r\nContent-Length: %zu\r\n\r\n",
                     common_fields, weft_console_policy, weft_console_size);
    weft_text_add(&whole, weft_view(weft_console_page, weft_console_size));
    end_with_text(request, 200, &whole);
}

void admin_answer(struct weft_request *request, unsigned status, const char *type,
                  struct weft_text *text)
{
    char head[WEFT_REJECT_MAX];
    struct weft_text whole = {.failed = text->failed};
    struct weft_view body = weft_text_view(text);
    int size = put_head(head, sizeof head, status, type, "", body.size);
    weft_text_add(&whole, weft_view(head, (size_t)size));
    weft_text_add(&whole, body);
    weft_text_fini(text);
    end_with_text(request, status, &whole);
}
