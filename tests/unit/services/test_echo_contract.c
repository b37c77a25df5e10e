/* SPDX-License-Identifier: MIT */
#include "services/echo/echo.h"
#include "suites/service_suite.h"

int main(void)
{
    static const char *const queries[] = {"", "delay=5", "repeat=3", "delay=5&repeat=3"};
    int failed = 0;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        failed += weft_service_suite_run(
            &(struct weft_service_suite){.service = &echo_service, .query = queries[i]});
    return failed;
}
