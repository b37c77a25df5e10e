/* SPDX-License-Identifier: MIT */
#include "exposure.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "core/base/url.h"

static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6) ||
               (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
    return strcmp(host, "localhost") == 0;
}

bool cli_is_remote(const char *text)
{
    struct weft_url url;
    struct weft_error unread;
    return weft_url_parse(&url, text, &unread) == 0 && url.host && !is_loopback(url.host);
}

bool cli_is_encrypted(const char *text)
{
    const char *end = strchr(text, ':');
    for (const char *at = text; end && at < end;) {
        size_t size = strcspn(at, "+:");
        if ((size == 3 && (memcmp(at, "tls", 3) == 0 || memcmp(at, "wss", 3) == 0)))
            return true;
        at += size + 1;
    }
    return false;
}

/* Returns what a remote URL lacks, or NULL. */
static const char *find_lack(const struct cli_exposure *exposure, const char *url)
{
    bool is_encrypted = cli_is_encrypted(url);
    if (!cli_is_remote(url) || (is_encrypted && exposure->has_users))
        return NULL;
    if (is_encrypted)
        return "nobody has to log in (--users FILE): whoever reaches it may read and change "
               "everything";
    if (exposure->has_users)
        return "there is no encryption (tls://): whoever is between may read and change "
               "everything, "
               "passwords too";
    return "there is no encryption (tls://) and nobody has to log in (--users FILE): whoever "
           "reaches it may read and change everything";
}

static int check_url(const struct cli_exposure *exposure, const char *option, const char *url,
                     struct weft_error *error)
{
    const char *lack = find_lack(exposure, url);
    if (!lack)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG,
                          "%s %.128s: not a loopback address, and %s; give --allow-remote if that "
                          "is meant",
                          option, url, lack);
}

int cli_check_exposure(const struct cli_exposure *exposure, struct weft_error *error)
{
    int err = 0;
    if (exposure->allow_remote)
        return 0;
    for (size_t i = 0; i < exposure->count && err == 0; i++)
        err = check_url(exposure, "--listen", exposure->urls[i], error);
    return err == 0 && exposure->admin ? check_url(exposure, "--admin", exposure->admin, error)
                                       : err;
}

static void warn_of(const struct cli_exposure *exposure, const char *option, const char *url,
                    const struct weft_log *log)
{
    const char *lack = find_lack(exposure, url);
    if (lack)
        weft_log_write(log, WEFT_LOG_WARN, "remote", "%s=%.128s note=\"%s\"", option, url, lack);
}

void cli_warn_exposure(const struct cli_exposure *exposure, const struct weft_log *log)
{
    for (size_t i = 0; i < exposure->count; i++)
        warn_of(exposure, "listen", exposure->urls[i], log);
    if (exposure->admin)
        warn_of(exposure, "admin", exposure->admin, log);
}

char *cli_describe_exposure(const char *text, char *dst)
{
    struct weft_url url;
    struct weft_error unread;
    bool is_unix = weft_url_parse(&url, text, &unread) == 0 && !url.host;
    (void)snprintf(dst, CLI_EXPOSURE_TEXT, "%.*s reach=%s encrypted=%s", (int)strcspn(text, "?"),
                   text,
                   is_unix               ? "files"
                   : cli_is_remote(text) ? "network"
                                         : "machine",
                   cli_is_encrypted(text) ? "yes" : "no");
    return dst;
}
