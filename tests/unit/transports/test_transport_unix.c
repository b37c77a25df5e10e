/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "transports/transports.h"
#include "suites/transport_suite.h"

int main(void)
{
    char directory[] = "/tmp/weft-test-XXXXXX", url[sizeof(directory) + 16];
    int failed;

    if (!mkdtemp(directory))
        return 1;
    snprintf(url, sizeof(url), "unix:%s/socket", directory);
    failed = transport_suite_run("unix", &weft_transport_unix, url);
    /* Fails where something was left behind. */
    return rmdir(directory) == 0 ? failed : 1;
}
