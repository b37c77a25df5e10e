/* SPDX-License-Identifier: MIT */
#include "head.h"

#include "content.h"
#include "services/kv/command.h"
#include "status.h"

void kv__http_put_text(struct kv_http_body *self, const char *text)
{
    kv__http_put(self, text, strlen(text));
}

static void put_number(struct kv_http_body *self, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    kv__http_put(self, digits + at, sizeof digits - at);
}

static void put_tag(struct kv_http_body *self, const uint8_t version[KV_VERSION_SIZE], bool coded)
{
    static const char digits[] = "0123456789abcdef";
    char tag[2 * KV_VERSION_SIZE];
    for (size_t i = 0; i < KV_VERSION_SIZE; i++) {
        tag[2 * i] = digits[version[i] >> 4];
        tag[2 * i + 1] = digits[version[i] & 15];
    }
    KV__HTTP_PUT(self, "ETag: \"");
    kv__http_put(self, tag, sizeof tag);
    if (coded)
        KV__HTTP_PUT(self, KV_HTTP_TAG_CODED);
    KV__HTTP_PUT(self, "\"\r\n");
}

void kv__http_put_state(struct kv_http_body *self, const struct kv_state *state, bool coded,
                        int64_t now)
{
    if (state->has_version)
        put_tag(self, state->version, coded);
    if (state->expires == KV_NEVER)
        return;
    KV__HTTP_PUT(self, "Weft-Expires-In: ");
    put_number(self, kv__http_seconds_left(state->expires, now));
    KV__HTTP_PUT(self, "\r\n");
}

static void put_about(struct kv_http_body *self, const struct kv_http_about *about)
{
    if (about->date) {
        KV__HTTP_PUT(self, "Date: ");
        kv__http_put_text(self, about->date);
        KV__HTTP_PUT(self, "\r\n");
    }
    if (about->origin) {
        KV__HTTP_PUT(self, "Access-Control-Allow-Origin: ");
        kv__http_put_text(self, about->origin);
        KV__HTTP_PUT(self,
                     "\r\nAccess-Control-Expose-Headers: ETag, Weft-Type, Weft-Expires-In\r\n");
    }
    if (about->has_cors)
        KV__HTTP_PUT(self, "Vary: Accept, Accept-Encoding, Origin\r\n");
    else
        KV__HTTP_PUT(self, "Vary: Accept, Accept-Encoding\r\n");
}

void kv__http_begin(struct kv_http_body *self, unsigned status, const struct kv_http_about *about)
{
    self->status = (enum kv_status)status;
    self->head_size = 0;
    kv__http_put_text(self, kv__http_status_line(status));
    put_about(self, about);
}

/* The bytes of a value that a blob of its own holds, which all responses show alike: the codec may send them in
 * another form, and keep that. */
static bool is_in_blob(const struct kv_http_body *self)
{
    if (self->content != KV_HTTP_RAW || !self->blob)
        return false;
    struct weft_view all = weft_blob_view(self->blob);
    return self->value.size > 0 && self->value.data >= all.data &&
           self->value.data + self->value.size == all.data + all.size;
}

void kv__http_finish(struct kv_http_body *self, const char *type)
{
    size_t size = kv__http_content_size(self);
    if (type) {
        KV__HTTP_PUT(self, "Content-Type: ");
        kv__http_put_text(self, type);
        KV__HTTP_PUT(self, "\r\n");
    }
    if (self->content != KV_HTTP_NO_BODY) {
        KV__HTTP_PUT(self, "Content-Length: ");
        put_number(self, size);
        KV__HTTP_PUT(self, "\r\n");
    }
    KV__HTTP_PUT(self, "\r\n");
    if (is_in_blob(self)) {
        self->parts =
            weft_body_from_parts(weft_view(self->head, self->head_size), self->blob, self->value);
        self->parts.lasting = true;
    } else {
        self->parts.body =
            (struct weft_body){.size = self->head_size + size, .write = kv__http_write};
    }
}
