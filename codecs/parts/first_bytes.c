/* SPDX-License-Identifier: MIT */
#include "first_bytes.h"

#include <stdio.h>

#include "codecs/length_prefix.h"

struct protocol {
    bool (*speaks)(const uint8_t first[4]);
    const char *asked, *answered; /* the detail on a server, and on a client */
    const char *before, *after;   /* the answer, around the codec's name; NULL: none is sent */
};

/* Request methods (RFC 9110, RFC 5789), the preface of HTTP/2 (RFC 9113), and a status line. */
bool weft__first_bytes_are_http(const uint8_t first[4])
{
    static const char starts[][5] = {"GET ", "PUT ", "POST", "HEAD", "DELE", "OPTI",
                                     "PATC", "CONN", "TRAC", "PRI ", "HTTP"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (memcmp(first, starts[i], 4) == 0)
            return true;
    return false;
}

/* A record (RFC 8446, 5.1) that holds a handshake or, from a server that took our frame for one, an
 * alert. */
static bool is_tls(const uint8_t first[4])
{
    return (first[0] == 0x16 || first[0] == 0x15) && first[1] == 3 && first[2] <= 4;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

bool weft__first_bytes_are_resp(const uint8_t first[4])
{
    size_t i = 1;
    while (i < 4 && is_digit(first[i]))
        i++;
    return (first[0] == '*' || first[0] == '$') && i > 1 && (i == 4 || first[i] == '\r');
}

enum weft_probe weft__probe_inline_ping(struct weft_view in)
{
    static const char ping[] = "PING\r";
    size_t size = in.size < sizeof ping - 1 ? in.size : sizeof ping - 1;
    if (memcmp(in.data, ping, size) != 0)
        return WEFT_PROBE_NO;
    return size == sizeof ping - 1 ? WEFT_PROBE_YES : WEFT_PROBE_MORE;
}

/* The protocol of redis: an array or a string of a client, an inline PING, or a server's +OK or
 * -ERR. */
static bool is_resp(const uint8_t first[4])
{
    if (first[0] == '*' || first[0] == '$')
        return is_digit(first[1]);
    if (first[0] == '+' || first[0] == '-')
        return is_upper(first[1]) && is_upper(first[2]);
    return memcmp(first, "PING", 4) == 0 || memcmp(first, "ping", 4) == 0;
}

/* The identification string of RFC 4253, 4.2. */
static bool is_ssh(const uint8_t first[4])
{
    return memcmp(first, "SSH-", 4) == 0;
}

/* Lines of text, in whatever protocol: none of our frames is that long. */
static bool is_text(const uint8_t first[4])
{
    for (size_t i = 0; i < 4; i++)
        if ((first[i] < ' ' || first[i] > '~') && first[i] != '\r' && first[i] != '\n')
            return false;
    return true;
}

/* The order matters: text is what is left when no protocol of text is recognised. */
static const struct protocol protocols[] = {
    {weft__first_bytes_are_http, "looks like HTTP", "answered in HTTP",
     "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
     "This is a weft server (",
     "), not HTTP.\n"},
    {is_tls, "looks like TLS", "answered in TLS", NULL, NULL},
    {is_resp, "looks like RESP", "answered in RESP", "-ERR this is a weft server (",
     "), not RESP\r\n"},
    {is_ssh, "looks like SSH", "answered in SSH", NULL, NULL},
    {is_text, "looks like text", "answered in text", NULL, NULL},
};

/* This is best effort. The connection ends either way, so nothing is said if there is no memory. */
static void answer(const struct protocol *protocol, const char *codec, struct weft_chain *out)
{
    char words[256];
    int size = snprintf(words, sizeof words, "%s%s%s", protocol->before, codec, protocol->after);
    if (size > 0 && (size_t)size < sizeof words)
        (void)!weft_chain_append(out, weft_view(words, (size_t)size));
}

int weft_first_bytes_check(const uint8_t first[4], enum weft_role role, const char *codec,
                           struct weft_decode_io *io)
{
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        const struct protocol *protocol = &protocols[i];
        if (!protocol->speaks(first))
            continue;
        io->detail = role == WEFT_SERVER ? protocol->asked : protocol->answered;
        if (role == WEFT_SERVER && protocol->before)
            answer(protocol, codec, io->out);
        return WEFT_EFOREIGN;
    }
    return 0;
}
