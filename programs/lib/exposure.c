/* SPDX-License-Identifier: MIT */
#include "exposure.h"

#include <arpa/inet.h>
#include <string.h>

#include "core/base/url.h"

#define MEANING                                                                                    \
    "there is no encryption and no authentication: whoever reaches it may read and change "        \
    "everything"

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

int cli_check_exposure(const char *const *urls, size_t count, bool allow_remote,
                       struct weft_error *error)
{
    for (size_t i = 0; i < count && !allow_remote; i++) {
        if (cli_is_remote(urls[i]))
            return weft_error_set(error, WEFT_ECONFIG,
                                  "--listen %.128s: not a loopback address, and " MEANING
                                  "; give --allow-remote if that is meant",
                                  urls[i]);
    }
    return 0;
}

void cli_warn_exposure(const char *const *urls, size_t count, const struct weft_log *log)
{
    for (size_t i = 0; i < count; i++) {
        if (cli_is_remote(urls[i]))
            weft_log_write(log, WEFT_LOG_WARN, "remote", "listen=%.128s note=\"" MEANING "\"",
                           urls[i]);
    }
}
