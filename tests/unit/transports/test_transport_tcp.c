/* SPDX-License-Identifier: MIT */
#include "transports/transports.h"
#include "suites/transport_suite.h"

int main(void)
{
    return transport_suite_run("tcp", &weft_transport_tcp, "tcp://127.0.0.1:0");
}
