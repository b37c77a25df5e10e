/* SPDX-License-Identifier: MIT */
#include "slots.h"

#include <errno.h>

/* Filling is not measured: it is deep enough to be fast, with at most FILL_BYTES per connection. */
enum { FILL_DEPTH = 16, FILL_BYTES = 65536 };

size_t cli_bench_fill_depth(const struct cli_bench_config *config)
{
    size_t depth = FILL_BYTES / (config->value_size + 1);
    depth = depth < FILL_DEPTH ? depth : FILL_DEPTH;
    return depth > config->pipeline ? depth : config->pipeline;
}

uint64_t cli_bench_share(const struct cli_bench_plan *plan, unsigned index, uint64_t whole)
{
    uint64_t threads = plan->config->threads;
    return whole / threads * index + whole % threads * index / threads;
}

void cli_bench_load_stop(struct cli_bench_load *load)
{
    load->making = false;
    load->stopping = true;
}

void cli_bench_load_fail(struct cli_bench_load *load, enum cli_exit code, const char *text)
{
    if (load->code == CLI_EXIT_DONE) {
        load->code = code;
        (void)weft_error_set(&load->error, -EIO, "%s", text);
    }
    cli_bench_load_stop(load);
}
