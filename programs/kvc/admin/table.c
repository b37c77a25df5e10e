/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <math.h>

static const char *scale(double value, double step, const char *const *units, size_t count,
                         char dst[KVC_CELL])
{
    size_t i = 0;
    for (; value >= step && i + 1 < count; i++)
        value /= step;
    int digits = value < 10 && floor(value) != value ? 1 : 0;
    (void)snprintf(dst, KVC_CELL, "%.*f%s", digits, value, units[i]);
    return dst;
}

const char *kvc_show_count(double count, char dst[KVC_CELL])
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    return scale(count, 1000, units, sizeof units / sizeof *units, dst);
}

const char *kvc_show_bytes(double bytes, char dst[KVC_CELL])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    return scale(bytes, 1024, units, sizeof units / sizeof *units, dst);
}

const char *kvc_show_seconds(double seconds, char dst[KVC_CELL])
{
    static const char *const small[] = {"us", "ms"};
    if (seconds < 1)
        return scale(seconds * 1e6, 1000, small, sizeof small / sizeof *small, dst);
    if (seconds < 120)
        (void)snprintf(dst, KVC_CELL, "%.1fs", seconds);
    else if (seconds < 7200)
        (void)snprintf(dst, KVC_CELL, "%.0fmin", seconds / 60);
    else
        (void)snprintf(dst, KVC_CELL, "%.0fh", seconds / 3600);
    return dst;
}

void kvc_put_cell(FILE *out, const char *text, int width)
{
    int used = 0;
    for (; *text && (width == 0 || used < width); text++, used++)
        fputc((unsigned char)*text >= ' ' && *text != 0x7f ? *text : '?', out);
    if (width > 0)
        fprintf(out, "%*s", width - used + 1, "");
}
