/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 24, BAR_LEAST = 4 };

static const int64_t interval = 100000000;

void cli_progress_start(struct cli_progress *progress, FILE *out, const char *what, int64_t now)
{
    *progress = (struct cli_progress){
        .out = isatty(fileno(out)) ? out : NULL, .what = what, .began = now, .drawn = now};
}

static int columns_of(FILE *out)
{
    struct winsize size;
    bool known = ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
}

/* "[######      ]  50 %  3 s left  ", as wide as room is for it beside the other text. */
static void format_bar(char *dst, size_t size, int room, double part, double left)
{
    char rest[64];
    int used = snprintf(rest, sizeof rest, " %3.0f %%  %.0f s left  ", part * 100, left);
    int bar = room - used - 2 < BAR ? room - used - 2 : BAR, filled = (int)(part * bar);
    static const char full[BAR + 1] = "########################";
    if (bar >= BAR_LEAST)
        snprintf(dst, size, "[%.*s%*s]%s", filled, full, bar - filled, "", rest);
}

void cli_progress_update(struct cli_progress *progress, int64_t now, uint64_t count, uint64_t done,
                         uint64_t total)
{
    if (!progress->out || now - progress->drawn < interval)
        return;
    progress->drawn = now;
    progress->shown = true;
    /* The last column stays free: a terminal may begin a new line behind it. */
    int columns = columns_of(progress->out) - 1;
    double seconds = (double)(now - progress->began) / 1e9;
    double part = total > 0 && done <= total ? (double)done / (double)total : 0;
    char bar[128] = "", text[128];
    int used = snprintf(text, sizeof text, "%" PRIu64 " %s, %.0f %s/s", count, progress->what,
                        (double)count / seconds, progress->what);
    if (part > 0)
        format_bar(bar, sizeof bar, columns - used, part, seconds / part - seconds);
    fprintf(progress->out, "\r\x1b[K%s%.*s", bar, columns, text);
    fflush(progress->out);
}

void cli_progress_end(struct cli_progress *progress)
{
    if (progress->shown)
        fputs("\r\x1b[K", progress->out);
    progress->shown = false;
}
