/* SPDX-License-Identifier: MIT
 *
 * A login, as a message or as a line of words. */
#include <errno.h>

#include "line.h"
#include "services/kv/faces/protobuf/abi.h"
#include "services/payload/protobuf/text.h"
#include "services/payload/protobuf/writer.h"

static size_t inner_size(const struct weft__kv_login_body *self)
{
    return weft_pb_text_size(ABI_LOGIN_USER, self->user.size) +
           weft_pb_text_size(ABI_LOGIN_PASSWORD, self->password.size);
}

static void write_message(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__kv_login_body *self = (const struct weft__kv_login_body *)(const void *)body;
    dst = weft_pb_put_head(dst, ABI_LOGIN, inner_size(self));
    dst = weft_pb_put_text(dst, ABI_LOGIN_USER, self->user);
    (void)weft_pb_put_text(dst, ABI_LOGIN_PASSWORD, self->password);
}

static void write_line(const struct weft_body *body, uint8_t *dst)
{
    const struct weft__kv_login_body *self = (const struct weft__kv_login_body *)(const void *)body;
    (void)weft__kv_line_put_login(dst, self->user, self->password);
}

static int check(struct weft_view text, const char *what, bool in_lines, struct weft_error *error)
{
    if (text.size == 0)
        return weft_error_set(error, -EINVAL, "the %s is empty", what);
    if (!weft_pb_is_text(text))
        return weft_error_set(error, -EINVAL, "the %s is not valid UTF-8", what);
    if (in_lines && memchr(text.data, '\n', text.size))
        return weft_error_set(error, -EINVAL,
                              "codec 'line' carries no %s with a newline: use codec "
                              "'" WEFT__KV_LINE_INSTEAD "'",
                              what);
    return 0;
}

int weft__kv_login_to_body(struct weft__kv_login_body *self, struct weft_view user,
                           struct weft_view password, bool in_lines, struct weft_error *error)
{
    int err = check(user, "user", in_lines, error);
    if (err == 0)
        err = check(password, "password", in_lines, error);
    if (err < 0)
        return err;
    *self = (struct weft__kv_login_body){.user = user, .password = password};
    size_t size = in_lines ? weft__kv_line_put_login(NULL, user, password)
                           : weft_pb_bytes_size(ABI_LOGIN, inner_size(self));
    self->body = (struct weft_body){.size = size, .write = in_lines ? write_line : write_message};
    return 0;
}
