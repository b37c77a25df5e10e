/* SPDX-License-Identifier: MIT */
#include "lib/script_transport.h"
#include "suites/transport_suite.h"

int main(void)
{
    int failed;

    script_begin(1);
    failed = transport_suite_run("script", &script_transport, "script:suite");
    return script_finish() == 0 ? failed : 1;
}
