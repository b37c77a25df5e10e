/* SPDX-License-Identifier: MIT */
#include "topic.h"

#include <errno.h>

#include "abi.h"
#include "services/kv/packed.h"
#include "services/payload/protobuf/writer.h"

enum { FIRST_VALUES = 8 };

static int add_value(struct kv_decoder *self, struct weft_view message, struct kv_topic_spec *spec)
{
    if (spec->count == spec->room) {
        size_t room = spec->room == 0 ? FIRST_VALUES : 2 * spec->room;
        struct weft_view *data = kv__decoder_alloc(self, room * sizeof *data);
        if (!data)
            return -ENOMEM;
        if (spec->count > 0)
            memcpy(data, spec->data, spec->count * sizeof *data);
        spec->data = data;
        spec->room = room;
    }
    struct weft_view *value = (struct weft_view *)(uintptr_t)&spec->data[spec->count++];
    *value = weft_view(NULL, 0);
    return kv__decode_value(self, message, value);
}

/* The fields with number 2 differ in meaning. */
static int take_field(struct kv_decoder *self, const struct weft_pb_field *field, uint32_t number,
                      struct kv_topic_spec *spec)
{
    if (field->number == ABI_COMMAND_TABLE)
        spec->topic = field->bytes;
    else if (number == ABI_PUBLISH)
        return add_value(self, field->bytes, spec);
    else if (number == ABI_UNSUBSCRIBE)
        spec->id = (uint32_t)field->scalar;
    else if (field->number == ABI_SUBSCRIBE_PATTERN)
        spec->is_pattern = field->scalar != 0;
    else
        spec->end_if_slow = field->scalar != 0;
    return 0;
}

int kv__decode_topic(struct kv_decoder *self, struct weft_view message,
                     const ProtobufCMessageDescriptor *type, uint32_t number,
                     struct kv_topic_spec *spec)
{
    struct weft_pb_reader reader = weft_pb_read(message, type, &self->budget);
    struct weft_pb_field field;
    int err;
    while ((err = weft_pb_next(&reader, &field)) > 0) {
        err = field.descriptor ? take_field(self, &field, number, spec) : 0;
        if (err < 0)
            break;
    }
    return err;
}

static size_t values_size(const struct kv_feed_run *run)
{
    struct weft_view rest = run->values, value;
    size_t size = 0;
    while (kv_feed_next_value(&rest, &value))
        size += weft_pb_bytes_size(ABI_RESPONSE_VALUES, value.size);
    return size;
}

/* All values of a run are one message. Its topic is there even if it is empty. */
static struct weft_blob *make(const struct kv_feed_run *run)
{
    struct weft_view rest = run->values, value;
    size_t size = weft_pb_uint_size(ABI_RESPONSE_STATUS, KV_OK) + values_size(run) +
                  weft_pb_bytes_size(ABI_RESPONSE_TOPIC, run->topic.size);
    uint8_t *dst;
    struct weft_blob *blob = weft_blob_new(size, &dst);
    if (!blob)
        return NULL;
    dst = weft_pb_put_uint(dst, ABI_RESPONSE_STATUS, KV_OK);
    while (kv_feed_next_value(&rest, &value))
        dst = weft_pb_put_bytes(dst, ABI_RESPONSE_VALUES, value);
    (void)weft_pb_put_bytes(dst, ABI_RESPONSE_TOPIC, run->topic);
    return blob;
}

static size_t put_words(uint8_t *dst, const struct kv_topic_words *words)
{
    uint8_t id[KV_NUMBER_MAX];
    struct weft_view value = weft_view(id, kv_pack_integer(id, words->id));
    struct weft_view text = weft_view_str(words->text);
    bool is_begin = words->status == KV_OK;
    if (!dst)
        return weft_pb_uint_size(ABI_RESPONSE_STATUS, words->status) +
               weft_pb_text_size(ABI_RESPONSE_MESSAGE, text.size) +
               weft_pb_bytes_size(ABI_RESPONSE_VALUES, value.size) +
               (is_begin ? 0 : weft_pb_bytes_size(ABI_RESPONSE_TOPIC, words->topic.size)) +
               (words->lost == 0 ? 0 : weft_pb_uint_size(ABI_RESPONSE_NUMBER, words->lost));
    uint8_t *end = weft_pb_put_uint(dst, ABI_RESPONSE_STATUS, words->status);
    end = weft_pb_put_text(end, ABI_RESPONSE_MESSAGE, text);
    end = weft_pb_put_bytes(end, ABI_RESPONSE_VALUES, value);
    if (!is_begin)
        end = weft_pb_put_bytes(end, ABI_RESPONSE_TOPIC, words->topic);
    if (words->lost > 0)
        end = weft_pb_put_uint(end, ABI_RESPONSE_NUMBER, words->lost);
    return (size_t)(end - dst);
}

const struct kv_topic_face kv__topic_face = {
    .format = {.slot = KV_FEED_PROTOBUF, .make = make},
    .put_words = put_words,
};
