/* SPDX-License-Identifier: MIT
 *
 * The codec of examples/plugin by the rules of core/codec.h. */
#include "examples/plugin/netstring.h"
#include "suites/codec_suite.h"

int main(void)
{
    return weft_codec_suite_run(&(struct weft_codec_suite){.codec = &codec_netstring});
}
