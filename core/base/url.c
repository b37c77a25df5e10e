/* SPDX-License-Identifier: MIT */
#include "url.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FORMS "tcp://HOST:PORT?name=value&... and unix:PATH?name=value&..."

/* The parser works in place: url->text is a copy of the whole text, separators become the ends of
 * strings, and decoding only shortens. */
struct parser {
    struct weft_url *url;
    const char *text; /* as given, for refusals */
    struct weft_error *error;
};

/* Refuses the text. part is the piece of it that is wrong, or NULL. */
static int refuse(const struct parser *parser, const char *what, const char *part)
{
    /* A long piece is cut, so that there is always room for the forms. */
    char piece[128] = "";
    if (part)
        snprintf(piece, sizeof piece, " '%.100s'", part);
    return weft_error_set(parser->error, WEFT_ECONFIG, "'%.150s': %s%s; the forms are " FORMS,
                          parser->text, what, piece);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Replaces each %XX of part, in place. */
static int decode(const struct parser *parser, char *part)
{
    char *to = part;
    for (const char *from = part; *from != '\0'; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = hex_digit(from[1]);
        int low = high < 0 ? -1 : hex_digit(from[2]);
        if (low < 0)
            return refuse(parser, "'%' is not followed by two hexadecimal digits in", from);
        if (high == 0 && low == 0)
            return refuse(parser, "%00 cannot be part of a name or a value", NULL);
        *to++ = (char)(high << 4 | low);
        from += 2;
    }
    *to = '\0';
    return 0;
}

/* Ends part at the first c and returns what follows, or NULL if there is no c. */
static char *cut(char *part, char c)
{
    char *found = strchr(part, c);
    if (!found)
        return NULL;
    *found = '\0';
    return found + 1;
}

static int parse_scheme(const struct parser *parser, char *scheme)
{
    /* By RFC 3986, section 3.1, case does not matter and lower case is canonical. */
    for (char *p = scheme; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    }
    size_t valid = strspn(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+-.");
    if (scheme[0] < 'a' || scheme[0] > 'z' || scheme[valid] != '\0')
        return refuse(parser, "not a scheme:", scheme);
    parser->url->scheme = scheme;
    return 0;
}

static int parse_port(const struct parser *parser, const char *port)
{
    unsigned number = 0;
    if (port[0] == '\0')
        return refuse(parser, "the port is missing (0 lets the system choose one)", NULL);
    for (const char *p = port; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return refuse(parser, "not a port, which is a number from 0 to 65535:", port);
        number = 10 * number + (unsigned)(*p - '0');
        if (number > 65535)
            return refuse(parser, "the port is over 65535:", port);
    }
    parser->url->port = port;
    return 0;
}

/* Parses HOST:PORT or [IPV6]:PORT. */
static int parse_authority(const struct parser *parser, char *host)
{
    char *port;
    /* The text is not repeated, because it may have a password. */
    if (strchr(host, '@'))
        return weft_error_set(parser->error, WEFT_ECONFIG,
                              "a URL takes no user and no password before an '@', because others "
                              "could read them there; the forms are " FORMS);
    if (host[0] == '[') {
        host++;
        char *behind = cut(host, ']');
        if (!behind)
            return refuse(parser, "'[' without ']'", NULL);
        if (!strchr(host, ':'))
            return refuse(parser, "brackets are for IPv6 addresses, as [::1], not", host);
        if (behind[0] != '\0' && behind[0] != ':')
            return refuse(parser, "a port must follow ']', not", behind);
        port = behind[0] == ':' ? behind + 1 : NULL;
    } else {
        port = cut(host, ':');
        if (port && strchr(port, ':'))
            return refuse(parser, "an IPv6 address needs brackets, as [::1]", NULL);
        size_t valid = strcspn(host, "/@[]%\\ \t\r\n");
        if (host[valid] != '\0')
            return refuse(parser, "not a host:", host);
    }
    if (host[0] == '\0')
        return refuse(parser, "the host is missing (0.0.0.0 and [::] are all interfaces)", NULL);
    parser->url->host = host;
    return parse_port(parser, port ? port : "");
}

/* Parses what follows "//": an authority and perhaps a path. The authority moves to the left by a byte, so that
 * there is room for its end before the path. */
static int parse_authority_and_target(const struct parser *parser, char *host)
{
    char *target = strchr(host, '/');

    if (target) {
        memmove(host - 1, host, (size_t)(target - host));
        host--;
        target[-1] = '\0';
        parser->url->target = target;
    }
    return parse_authority(parser, host);
}

static int parse_option(const struct parser *parser, char *name)
{
    struct weft_url *url = parser->url;
    char *value = cut(name, '=');
    if (!value)
        return refuse(parser, "an option is NAME=VALUE, not", name);
    int rc = decode(parser, name);
    if (rc == 0)
        rc = decode(parser, value);
    if (rc < 0)
        return rc;

    struct weft_option_set set = weft_url_option_set(url);
    if (name[0] == '\0')
        return refuse(parser, "no name before '=' in the options", NULL);
    if (weft_option_get(&set, name))
        return refuse(parser, "given twice: option", name);
    if (url->option_count == WEFT_URL_OPTIONS)
        return refuse(parser, "more than 16 options", NULL);
    url->options[url->option_count++] = (struct weft_option_value){name, value};
    return 0;
}

static int parse_options(const struct parser *parser, char *query)
{
    while (query) {
        char *next = cut(query, '&');
        int rc = parse_option(parser, query);
        if (rc < 0)
            return rc;
        query = next;
    }
    return 0;
}

static int parse_path(const struct parser *parser, char *path)
{
    if (path[0] == '\0')
        return refuse(parser, "the path is missing", NULL);
    parser->url->path = path;
    return decode(parser, path);
}

/* True for HOST:PORT without a scheme, as people type it. Only what can be nothing else counts: an address,
 * a name with a dot, or localhost. A bare word before the colon may be a transport's name. */
static bool is_host_and_port(const char *text)
{
    if (text[0] == '[')
        return true;
    size_t size = strcspn(text, ":");
    bool is_host = memchr(text, '.', size) || (size == 9 && memcmp(text, "localhost", 9) == 0);
    size_t port = text[size] == ':' ? strspn(text + size + 1, "0123456789") : 0;
    return is_host && port > 0 && text[size + 1 + port] == '\0';
}

/* Zeroes the URL and gives it a copy of the text. */
static int begin(const struct parser *parser)
{
    *parser->url = (struct weft_url){0};
    size_t size = strlen(parser->text);
    if (size >= WEFT_URL_MAX)
        return refuse(parser, "an address has at most 1023 characters", NULL);
    memcpy(parser->url->text, parser->text, size + 1);
    return 0;
}

int weft_url_parse_options(struct weft_url *url, const char *text, struct weft_error *error)
{
    const struct parser parser = {.url = url, .text = text, .error = error};
    int err = begin(&parser);
    if (err < 0)
        return err;
    if (text[0] != '?')
        return refuse(&parser, "options begin with '?'", NULL);
    return parse_options(&parser, url->text + 1);
}

int weft_url_parse(struct weft_url *url, const char *text, struct weft_error *error)
{
    const struct parser parser = {.url = url, .text = text, .error = error};
    int begun = begin(&parser);
    if (begun < 0)
        return begun;

    char *query = cut(url->text, '?');
    if (is_host_and_port(url->text)) {
        url->scheme = "tcp";
        int err = parse_authority(&parser, url->text);
        return err < 0 ? err : parse_options(&parser, query);
    }
    char *rest = cut(url->text, ':');
    if (!rest)
        return refuse(&parser, "no scheme", NULL);
    int rc = parse_scheme(&parser, url->text);
    if (rc < 0)
        return rc;

    if (strncmp(rest, "///", 3) == 0)
        rc = parse_path(&parser, rest + 2);
    else if (strncmp(rest, "//", 2) == 0)
        rc = parse_authority_and_target(&parser, rest + 2);
    else
        rc = parse_path(&parser, rest);
    return rc < 0 ? rc : parse_options(&parser, query);
}
