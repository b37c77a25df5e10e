/* SPDX-License-Identifier: MIT
 *
 * Writes the files of reflection to standard output, each behind its size in decimal and a line feed.
 * test_rpc_describe.py holds them against what protoc says. */
#include <stdio.h>

#include "rpc_fixture.h"
#include "services/rpc/reflection.h"

int main(void)
{
    struct rpc_world world;
    if (!rpc_world_init(&world))
        return 1;
    const struct weft__rpc_files *files = &world.rpc->reflection->files;
    for (size_t i = 0; i < files->count; i++) {
        const struct weft_view text = weft_text_view(&files->files[i].text);
        printf("%zu\n", text.size);
        fwrite(text.data, 1, text.size, stdout);
    }
    rpc_world_fini(&world);
    return 0;
}
