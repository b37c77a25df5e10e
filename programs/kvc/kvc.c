/* SPDX-License-Identifier: MIT
 *
 * kvc, the client of kvs: the plugins it knows, and the command line. */
#include "codecs/codecs.h"
#include "transports/transports.h"
#ifdef WEFT_HAS_TLS
#include "transports/tls/tls.h"
#endif
#ifdef WEFT_HAS_WEBSOCKET
#include "transports/websocket/websocket.h"
#endif
#include "main.h"

int main(int argc, char **argv)
{
    struct weft_registry registry = {0};
    int err = weft_registry_add_codec(&registry, &weft_codec_length_delimited_gzip);
    if (err == 0)
        err = weft_registry_add_codec(&registry, &weft_codec_raw);
    if (err == 0)
        err = weft_registry_add_codec(&registry, &weft_codec_varint);
    if (err == 0)
        err = weft_registry_add_codec(&registry, &weft_codec_length_field);
    if (err == 0)
        err = weft_registry_add_codec(&registry, &weft_codec_line);
    if (err == 0)
        err = weft_registry_add_transport(&registry, &weft_transport_tcp);
    if (err == 0)
        err = weft_registry_add_transport(&registry, &weft_transport_unix);
    if (err == 0)
        err = weft_registry_add_transport(&registry, &weft_transport_yamux);
#ifdef WEFT_HAS_WEBSOCKET
    if (err == 0)
        err = weft_registry_add_filter(&registry, &weft_filter_websocket, NULL);
#endif
#ifdef WEFT_HAS_TLS
    if (err == 0)
        err = weft_registry_add_filter(&registry, &weft_filter_tls, NULL);
#endif
    if (err < 0) {
        fprintf(stderr, "kvc: %s\n", weft_strerror(err));
        return CLI_EXIT_USAGE;
    }
    return (int)cli_kvc_main(&registry, argc, argv, stdout, stderr);
}
