/* SPDX-License-Identifier: MIT */
#include "services/kv/cli/progress.h"

#include <inttypes.h>
#include <unistd.h>

enum { BAR = 24 };

static const int64_t interval = 100000000;

void cli_progress_start(struct cli_progress *progress, FILE *out, int64_t now)
{
    *progress =
        (struct cli_progress){.out = isatty(fileno(out)) ? out : NULL, .began = now, .drawn = now};
}

static void draw_bar(FILE *out, double part, double left)
{
    static const char full[BAR + 1] = "########################";
    int filled = (int)(part * BAR);
    fprintf(out, "[%.*s%*s] %3.0f %%  %.0f s left  ", filled, full, BAR - filled, "", part * 100,
            left);
}

void cli_progress_update(struct cli_progress *progress, int64_t now, uint64_t rows, uint64_t done,
                         uint64_t total)
{
    if (!progress->out || now - progress->drawn < interval)
        return;
    progress->drawn = now;
    progress->shown = true;
    double seconds = (double)(now - progress->began) / 1e9;
    double part = total > 0 && done <= total ? (double)done / (double)total : 0;
    fputs("\r\x1b[K", progress->out);
    if (part > 0)
        draw_bar(progress->out, part, seconds / part - seconds);
    fprintf(progress->out, "%" PRIu64 " rows, %.0f rows/s", rows, (double)rows / seconds);
    fflush(progress->out);
}

void cli_progress_end(struct cli_progress *progress)
{
    if (progress->shown)
        fputs("\r\x1b[K", progress->out);
    progress->shown = false;
}
