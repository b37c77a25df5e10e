/* SPDX-License-Identifier: MIT */
#include "dial.h"

#include <stdio.h>

#include "append.h"
#include "head.h"

/* Writes the protocols of the configuration as a list. dst has room for all of them. */
static void list_protocols(char *dst, const char *protocols)
{
    *dst = '\0';
    for (const char *p = protocols; *p; p += strlen(p) + 1)
        dst += sprintf(dst, "%s%s", p == protocols ? "" : ", ", p);
}

int weft__ws_dial(const struct weft__ws_config *config, const char key[WEFT__WS_KEY_SIZE],
                  struct weft_chain *out)
{
    char protocols[2 * WEFT__WS_PROTOCOLS_MAX];

    list_protocols(protocols, config->protocols);
    return weft__ws_print(out,
                          "GET %s HTTP/1.1\r\n"
                          "Host: %s\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: %.*s\r\n"
                          "%s%s%s"
                          "%s%s%s\r\n",
                          config->path, config->host[0] ? config->host : "localhost",
                          WEFT__WS_KEY_SIZE, key, *protocols ? "Sec-WebSocket-Protocol: " : "",
                          protocols, *protocols ? "\r\n" : "", config->origins[0] ? "Origin: " : "",
                          config->origins, config->origins[0] ? "\r\n" : "");
}

/* Copies text that the peer wrote, up to the end of its first line. */
static void quote(char *dst, size_t size, struct weft_view text)
{
    size_t n = 0;

    for (; n < text.size && n + 1 < size && text.data[n] != '\r' && text.data[n] != '\n'; n++)
        dst[n] = text.data[n] >= 0x20 && text.data[n] < 0x7f ? (char)text.data[n] : '?';
    dst[n] = '\0';
}

/* Says what a server answered that does not want the connection. */
static void tell_refusal(const struct weft__ws_head *head, struct weft_view body, char *why)
{
    char status[16], text[100];

    quote(status, sizeof status, head->line[1]);
    quote(text, sizeof text, body.size > 0 ? body : head->line[2]);
    snprintf(why, WEFT__WS_TROUBLE_MAX, "the server does not open a WebSocket: %s %s", status,
             text);
}

static bool offers(const struct weft__ws_config *config, struct weft_view protocol)
{
    for (const char *p = config->protocols; *p; p += strlen(p) + 1)
        if (weft_view_equal(protocol, weft_view_str(p)))
            return true;
    return false;
}

/* Checks the fields of a 101. Returns NULL or what is wrong. */
static const char *check_fields(const struct weft__ws_config *config, const char *key,
                                const struct weft__ws_head *head)
{
    char accept[WEFT__WS_ACCEPT_SIZE];
    size_t count, extensions, protocols;

    weft__ws_accept(accept, weft_view(key, WEFT__WS_KEY_SIZE));
    if (!weft__ws_is_word(weft__ws_head_only(head, "Upgrade", &count), "websocket"))
        return "the server's answer does not upgrade to websocket";
    if (!weft__ws_head_lists(head, "Connection", "upgrade", false))
        return "the field Connection of the server's answer does not say upgrade";
    if (!weft_view_equal(weft__ws_head_only(head, "Sec-WebSocket-Accept", &count),
                         weft_view(accept, sizeof accept)))
        return "the server did not understand the key: Sec-WebSocket-Accept is wrong";
    (void)weft__ws_head_only(head, "Sec-WebSocket-Extensions", &extensions);
    if (extensions > 0)
        return "the server chose an extension that was not offered";
    struct weft_view protocol = weft__ws_head_only(head, "Sec-WebSocket-Protocol", &protocols);
    if (protocols > 1 || (protocols == 1 && !offers(config, protocol)))
        return "the server chose a subprotocol that was not offered";
    return NULL;
}

bool weft__ws_check_response(const struct weft__ws_config *config,
                             const char key[WEFT__WS_KEY_SIZE], struct weft_view response,
                             struct weft_view body, char *why)
{
    struct weft__ws_head head;
    const char *wrong = weft__ws_head_read(&head, response, true);

    if (wrong || !weft_view_equal(head.line[0], weft_view_str("HTTP/1.1"))) {
        snprintf(why, WEFT__WS_TROUBLE_MAX, "the server's answer is not HTTP/1.1: %s",
                 wrong ? wrong : "another version");
        return false;
    }
    if (!weft_view_equal(head.line[1], weft_view_str("101"))) {
        tell_refusal(&head, body, why);
        return false;
    }
    wrong = check_fields(config, key, &head);
    if (wrong)
        snprintf(why, WEFT__WS_TROUBLE_MAX, "%s", wrong);
    return !wrong;
}
