/* SPDX-License-Identifier: MIT */
#include "content.h"

#include "head.h"
#include "json.h"
#include "services/payload/json/writer.h"
#include "status.h"

static const char page_pairs[] = "{\"pairs\":[", page_tables[] = "{\"tables\":[";
static const char page_cursor[] = "],\"cursor\":";

/* The pairs bring a comma each, the last of which becomes the bracket. */
static size_t page_size(const struct kv_http_body *self)
{
    size_t size = self->names ? sizeof page_tables - 1 : sizeof page_pairs - 1;
    size += self->pairs->size + (self->pairs->size > 0 ? 0 : 1);
    if (self->reply->cursor.size > 0)
        size += sizeof page_cursor - 2 + weft_json_base64_size(self->reply->cursor.size);
    return size + 2;
}

static void write_page(const struct kv_http_body *self, uint8_t *dst)
{
    const char *open = self->names ? page_tables : page_pairs;
    memcpy(dst, open, strlen(open));
    dst = kv_pairs_write(self->pairs, dst + strlen(open));
    if (self->pairs->size > 0)
        dst--;
    *dst++ = ']';
    if (self->reply->cursor.size > 0) {
        memcpy(dst, page_cursor + 1, sizeof page_cursor - 2);
        dst = weft_json_put_base64(dst + sizeof page_cursor - 2, self->reply->cursor);
    }
    memcpy(dst, "}\n", 2);
}

enum { STATUS_DIGITS = 3 };
static const char problem_title[] = "{\"title\":\"", problem_status[] = "\",\"status\":";
static const char problem_detail[] = ",\"detail\":";

static size_t problem_size(const struct kv_http_body *self)
{
    return sizeof problem_title - 1 + kv__http_title(self->status).size - 1 +
           sizeof problem_status - 1 + sizeof problem_detail - 1 + kv_json_text_size(self->text) +
           2;
}

static uint8_t *append(uint8_t *dst, const void *bytes, size_t size)
{
    if (size > 0)
        memcpy(dst, bytes, size);
    return dst + size;
}

static void write_problem(const struct kv_http_body *self, uint8_t *dst)
{
    struct weft_view title = kv__http_title(self->status);
    dst = append(dst, problem_title, sizeof problem_title - 1);
    dst = append(dst, title.data + STATUS_DIGITS + 1, title.size - STATUS_DIGITS - 1);
    dst = append(dst, problem_status, sizeof problem_status - 1);
    dst = append(dst, title.data, STATUS_DIGITS);
    dst = append(dst, problem_detail, sizeof problem_detail - 1);
    dst = kv_json_put_text(dst, self->text);
    (void)append(dst, "}\n", 2);
}

size_t kv__http_content_size(const struct kv_http_body *self)
{
    switch (self->content) {
    case KV_HTTP_EMPTY:
    case KV_HTTP_NO_BODY:
        break;
    case KV_HTTP_RAW:
        return self->value.size;
    case KV_HTTP_JSON:
        return kv_json_value_size(self->value) + 1;
    case KV_HTTP_PAGE:
        return page_size(self);
    case KV_HTTP_PROBLEM:
        return problem_size(self);
    case KV_HTTP_LINES:
        return self->pairs->size;
    }
    return 0;
}

void kv__http_write(const struct weft_body *body, uint8_t *dst)
{
    const struct kv_http_body *self = (const struct kv_http_body *)body;
    dst = append(dst, self->head, self->head_size);
    switch (self->content) {
    case KV_HTTP_EMPTY:
    case KV_HTTP_NO_BODY:
        break;
    case KV_HTTP_RAW:
        (void)append(dst, self->value.data, self->value.size);
        break;
    case KV_HTTP_JSON:
        *kv_json_put_value(dst, self->value) = '\n';
        break;
    case KV_HTTP_PAGE:
        write_page(self, dst);
        break;
    case KV_HTTP_PROBLEM:
        write_problem(self, dst);
        break;
    case KV_HTTP_LINES:
        (void)kv_pairs_write(self->pairs, dst);
        break;
    }
}

/* --- pairs ------------------------------------------------------------------------------------------ */

static const char pair_key[] = "{\"key\":", pair_value[] = ",\"value\":",
                  pair_left[] = ",\"expires_in\":";
static const char table_name[] = "{\"name\":", table_keys[] = ",\"keys\":";

static size_t digits_of(uint64_t number)
{
    size_t digits = 1;
    for (; number >= 10; number /= 10)
        digits++;
    return digits;
}

static uint8_t *append_number(uint8_t *dst, uint64_t number)
{
    size_t digits = digits_of(number);
    for (size_t i = digits; i > 0; number /= 10)
        dst[--i] = (uint8_t)('0' + number % 10);
    return dst + digits;
}

size_t kv_http_pair_size(const struct kv_call *call, const struct kv_pair *pair, int64_t now)
{
    size_t size = kv_json_name_size(pair->key) + 2;
    if (call->command->takes == KV_TAKES_NAMES)
        return size + sizeof table_name - 1 + sizeof table_keys - 1 + digits_of(pair->total);
    size += sizeof pair_key - 1 + sizeof pair_value - 1 + kv_json_value_size(pair->value.bytes);
    if (pair->expires != KV_NEVER)
        size += sizeof pair_left - 1 + digits_of(kv__http_seconds_left(pair->expires, now));
    return size;
}

void kv_http_put_pair(uint8_t *dst, const struct kv_call *call, const struct kv_pair *pair,
                      int64_t now)
{
    if (call->command->takes == KV_TAKES_NAMES) {
        dst = kv_json_put_name(append(dst, table_name, sizeof table_name - 1), pair->key);
        dst = append_number(append(dst, table_keys, sizeof table_keys - 1), pair->total);
    } else {
        dst = kv_json_put_name(append(dst, pair_key, sizeof pair_key - 1), pair->key);
        dst = append(dst, pair_value, sizeof pair_value - 1);
        dst = kv_json_put_value(dst, pair->value.bytes);
        if (pair->expires != KV_NEVER) {
            dst = append(dst, pair_left, sizeof pair_left - 1);
            dst = append_number(dst, kv__http_seconds_left(pair->expires, now));
        }
    }
    (void)append(dst, "},", 2);
}
