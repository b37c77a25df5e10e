/* SPDX-License-Identifier: MIT
 *
 * The promises of core/transport.h, as tests that every transport passes. A transport joins with one
 * line in a test program of its own:
 *
 *     int main(void)
 *     {
 *         return transport_suite_run("tcp", &weft_transport_tcp, "tcp://127.0.0.1:0");
 *     }
 *
 * The URL is one to listen on; what it is called then is where the suite connects to. Nothing else
 * may listen there. */
#ifndef WEFT_TEST_TRANSPORT_SUITE_H
#define WEFT_TEST_TRANSPORT_SUITE_H

#include "core/transport.h"

/* Returns how many tests failed. */
int transport_suite_run(const char *name, const struct weft_transport *transport, const char *url);

#endif
