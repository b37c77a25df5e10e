/* SPDX-License-Identifier: MIT */
#include "gzip_fixture.h"

#include <stdlib.h>

#include "lib/guarded.h"

const char text[] = "a message that says a message that says a message that says little";

struct member member_at(int level)
{
    struct weft__gzip gzip = {0};
    struct member member = {.size = 0};
    ssize_t size =
        weft__gzip_deflate(&gzip, level, weft_view(text, TEXT_SIZE), member.data, MEMBER_MAX);
    assert_true(size > 0);
    member.size = (size_t)size;
    weft__gzip_fini(&gzip);
    return member;
}

struct member plain_member(void)
{
    return member_at(6);
}

int read_member(struct weft_view view, struct weft_bytes *message, const char **why)
{
    struct weft__gzip gzip = {0};
    struct weft__gzip_member member;
    struct guarded copy = guarded_copy(view.data, view.size);
    *message = (struct weft_bytes){0};
    *why = NULL;
    int result = weft__gzip_parse(weft_view(copy.data, view.size), 1 << 20, &member, why);
    if (result == 0) {
        struct guarded dst = guarded_new(member.size);
        result = weft__gzip_inflate(&gzip, &member, dst.data, why);
        *message = (struct weft_bytes){malloc(member.size + 1), member.size};
        assert_non_null(message->data);
        memcpy(message->data, dst.data, member.size);
        guarded_free(&dst);
    }
    guarded_free(&copy);
    weft__gzip_fini(&gzip);
    return result;
}
