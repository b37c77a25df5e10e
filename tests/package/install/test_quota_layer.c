/* SPDX-License-Identifier: MIT
 *
 * The layer of examples/layer by the rules of core/layer.h. */
#include "suites/layer_suite.h"

#include "examples/layer/quota.h"

int main(void)
{
    return weft_layer_suite_run(
        &(struct weft_layer_suite){.layer = &quota_layer, .query = "quota=20"});
}
