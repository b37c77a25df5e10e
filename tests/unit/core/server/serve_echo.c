/* SPDX-License-Identifier: MIT
 *
 * The smallest program of weft_serve: echo, with the codecs and transports that come with the library. */
#include <stdio.h>

#include "codecs/codecs.h"
#include "core/serve.h"
#include "services/echo/echo.h"
#include "transports/transports.h"

int main(int argc, char **argv)
{
    const struct weft_plugins plugins = {
        .transports = weft_transports_basic(),
        .codecs = weft_codecs_all(),
        .services = (const struct weft_service *const[]){&echo_service, NULL},
    };
    struct weft_registry registry = {.frozen = false};
    struct weft_error error;
    int status = weft_registry_add_all(&registry, &plugins, &error);
    if (status == 0)
        status = weft_serve(&registry, argc, argv, &error);
    if (status != 0)
        (void)fprintf(stderr, "serve_echo: %s\n", error.text);
    return status == 0 ? 0 : 1;
}
