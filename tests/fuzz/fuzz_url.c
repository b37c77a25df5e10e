/* SPDX-License-Identifier: MIT
 *
 * Any text as an endpoint's URL: it is refused in one line, or what it was read as holds together. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codecs/codecs.h"
#include "core/server/endpoint.h"
#include "transports/transports.h"
#include "services/echo/echo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds, const char *rule)
{
    if (holds)
        return;
    (void)fprintf(stderr, "fuzz_url: %s\n", rule);
    abort();
}

static void check_refusal(const struct weft_error *error)
{
    demand(error->code < 0 && error->text[0] != '\0', "a refusal without words");
    demand(!strchr(error->text, '\n'), "a refusal of more than a line");
}

static bool lies_in(const struct weft_url *url, const char *text)
{
    return text >= url->text && text + strlen(text) < url->text + sizeof url->text;
}

static void check_url(const struct weft_url *url)
{
    /* An address without a scheme is one of tcp, which is static text. */
    demand(url->scheme && (lies_in(url, url->scheme) || strcmp(url->scheme, "tcp") == 0),
           "no scheme");
    demand(!url->host != !url->path, "neither an address nor a path, or both");
    demand(!url->host || lies_in(url, url->host), "a host that is not its own");
    demand(!url->path || lies_in(url, url->path), "a path that is not its own");
    demand(!url->port || (strspn(url->port, "0123456789") == strlen(url->port) &&
                          strtoul(url->port, NULL, 10) <= 65535),
           "a port that is none");
    demand(url->option_count <= WEFT_URL_OPTIONS, "more options than there is room for");
    for (size_t i = 0; i < url->option_count; i++) {
        struct weft_option_set set = weft_url_option_set(url);
        demand(weft_option_get(&set, url->options[i].name) == url->options[i].value,
               "an option that is not found, or twice");
    }
}

static void check_endpoint(const char *text)
{
    struct weft_registry registry = {0};
    const struct weft_limits limits = weft_limits_default();
    const struct weft_endpoint_defaults defaults = {.codec = "raw", .service = "echo"};
    struct weft_endpoint endpoint;
    struct weft_error error = {0};
    char description[256];
    demand(weft_registry_add_transport(&registry, &weft_transport_tcp) == 0 &&
               weft_registry_add_transport(&registry, &weft_transport_unix) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_raw) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_length_delimited_gzip) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_varint) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_length_field) == 0 &&
               weft_registry_add_codec(&registry, &weft_codec_line) == 0 &&
               weft_registry_add_service(&registry, &echo_service, NULL) == 0,
           "no registry");
    if (weft_endpoint_init(&endpoint, text, &registry, &defaults, &limits, &error) < 0) {
        check_refusal(&error);
        return;
    }
    demand(strncmp(weft_endpoint_describe(&endpoint, description, sizeof description),
                   "codec=", 6) == 0,
           "no description");
    weft_endpoint_fini(&endpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_url url;
    struct weft_error error = {0};
    char *text = malloc(size + 1); /* of the exact size, so that reading past it is seen */
    demand(text != NULL, "no memory");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (weft_url_parse(&url, text, &error) == 0)
        check_url(&url);
    else
        check_refusal(&error);
    check_endpoint(text);
    free(text);
    return 0;
}
