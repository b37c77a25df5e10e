/* SPDX-License-Identifier: MIT */
#include "command.h"

/* Letters differ from their capitals in this bit; for other bytes the names are compared once more. */
enum { CASE_BIT = 0x20 };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | CASE_BIT) : c;
}

/* Returns the first 8 bytes of a name as a number that does not depend on the case of letters. */
static inline uint64_t letters_of(struct weft_view name)
{
    const uint64_t case_bits = 0x2020202020202020u;
    return weft_load_native(name.data, name.size < 8 ? name.size : 8) | case_bits;
}

static inline size_t place_of(uint64_t letters, size_t size)
{
    return (size_t)(((letters ^ size) * 0x9e3779b97f4a7c15u) >> 56) % RESP_INDEX_SIZE;
}

bool resp_is_word(struct weft_view view, const char *word)
{
    for (size_t i = 0; i < view.size; i++)
        if (word[i] == '\0' || lower(view.data[i]) != lower((uint8_t)word[i]))
            return false;
    return word[view.size] == '\0';
}

void resp_index_make(struct resp_index *index, const struct resp_command *commands)
{
    memset(index, 0, sizeof *index);
    index->commands = commands;
    for (size_t i = 0; commands[i].name; i++, index->count++) {
        struct weft_view name = weft_view_str(commands[i].name);
        uint64_t letters = letters_of(name);
        size_t at = place_of(letters, name.size);
        while (index->places[at].place != 0)
            at = (at + 1) % RESP_INDEX_SIZE;
        index->places[at].letters = letters;
        index->places[at].size = (uint8_t)name.size;
        index->places[at].place = (uint8_t)(i + 1);
    }
}

/* The names have letters alone, for which equal numbers mean equal names. What is beyond 8 letters is
 * compared once more. */
const struct resp_command *resp_index_find(const struct resp_index *index, struct weft_view name)
{
    if (name.size == 0)
        return NULL;
    uint64_t letters = letters_of(name);
    for (size_t at = place_of(letters, name.size); index->places[at].place != 0;
         at = (at + 1) % RESP_INDEX_SIZE) {
        const struct resp_place *place = &index->places[at];
        const struct resp_command *command = &index->commands[place->place - 1];
        if (place->letters == letters && place->size == name.size &&
            (name.size <= 8 || resp_is_word(name, command->name)))
            return command;
    }
    return NULL;
}
