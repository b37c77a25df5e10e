/* SPDX-License-Identifier: MIT */
#include "suggest.h"

#include <string.h>

enum { LENGTH_MAX = 31 }; /* the longest name; a longer word is compared with none */

void cli_suggestion_init(struct cli_suggestion *suggestion, struct weft_view typed)
{
    *suggestion = (struct cli_suggestion){.typed = typed, .distance = 2 + typed.size / 4};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Returns the distance by optimal string alignment: Levenshtein's edits, and a swap of neighbours
 * counts as one. Both views fit LENGTH_MAX. */
static size_t distance_of(struct weft_view a, struct weft_view b)
{
    size_t rows[LENGTH_MAX + 1][LENGTH_MAX + 1];
    for (size_t i = 0; i <= a.size; i++) {
        for (size_t j = 0; j <= b.size; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            bool same = a.data[i - 1] == b.data[j - 1];
            rows[i][j] =
                least(rows[i - 1][j - 1] + !same, least(rows[i - 1][j], rows[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                rows[i][j] = least(rows[i][j], rows[i - 2][j - 2] + 1);
        }
    }
    return rows[a.size][b.size];
}

void cli_suggestion_offer(struct cli_suggestion *suggestion, const char *name)
{
    struct weft_view view = weft_view_str(name);
    if (suggestion->typed.size > LENGTH_MAX || view.size > LENGTH_MAX)
        return;
    size_t distance = distance_of(suggestion->typed, view);
    if (distance < suggestion->distance) {
        suggestion->distance = distance;
        suggestion->name = name;
    }
}
