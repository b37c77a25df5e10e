/* SPDX-License-Identifier: MIT */
#include "command.h"

/* Letters differ from their capitals in this bit; for other bytes the names are compared once more. */
enum { CASE_BIT = 0x20 };

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | CASE_BIT) : c;
}

/* Hashes the first bytes of a name and its length. */
static size_t place_of(struct weft_view name)
{
    const uint64_t case_bits = 0x2020202020202020u;
    uint64_t word = weft_load_native(name.data, name.size < 8 ? name.size : 8) | case_bits;
    return (size_t)(((word ^ name.size) * 0x9e3779b97f4a7c15u) >> 56) % RESP_INDEX_SIZE;
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
    *index = (struct resp_index){.commands = commands};
    for (size_t i = 0; commands[i].name; i++, index->count++) {
        size_t place = place_of(weft_view_str(commands[i].name));
        while (index->places[place] != 0)
            place = (place + 1) % RESP_INDEX_SIZE;
        index->places[place] = (uint8_t)(i + 1);
    }
}

const struct resp_command *resp_index_find(const struct resp_index *index, struct weft_view name)
{
    if (name.size == 0)
        return NULL;
    size_t place = place_of(name);
    while (index->places[place] != 0) {
        const struct resp_command *command = &index->commands[index->places[place] - 1];
        if (resp_is_word(name, command->name))
            return command;
        place = (place + 1) % RESP_INDEX_SIZE;
    }
    return NULL;
}
