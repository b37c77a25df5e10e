/* SPDX-License-Identifier: MIT
 *
 * The field numbers that stand in the code, against those of proto/abi.proto. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "abi.pb-c.h"
#include "services/kv/client.h"
#include "services/kv/faces/protobuf/abi.h"

struct number {
    const ProtobufCMessageDescriptor *message;
    const char *field;
    unsigned in_code;
};

static const struct number numbers[] = {
    {&abi__command_request__descriptor, "hget", ABI_HGET},
    {&abi__command_request__descriptor, "hgetall", ABI_HGETALL},
    {&abi__command_request__descriptor, "hmget", ABI_HMGET},
    {&abi__command_request__descriptor, "hset", ABI_HSET},
    {&abi__command_request__descriptor, "hmset", ABI_HMSET},
    {&abi__command_request__descriptor, "hdel", ABI_HDEL},
    {&abi__command_request__descriptor, "hmdel", ABI_HMDEL},
    {&abi__command_request__descriptor, "hexist", ABI_HEXIST},
    {&abi__command_request__descriptor, "hmexist", ABI_HMEXIST},
    {&abi__command_request__descriptor, "hscan", ABI_HSCAN},
    {&abi__command_request__descriptor, "hput", ABI_HPUT},
    {&abi__command_request__descriptor, "hincr", ABI_HINCR},
    {&abi__command_request__descriptor, "hexpire", ABI_HEXPIRE},
    {&abi__command_request__descriptor, "tables", ABI_TABLES},
    {&abi__command_request__descriptor, "drop", ABI_DROP},
    {&abi__command_request__descriptor, "count", ABI_COUNT},
    {&abi__command_request__descriptor, "subscribe", ABI_SUBSCRIBE},
    {&abi__command_request__descriptor, "unsubscribe", ABI_UNSUBSCRIBE},
    {&abi__command_request__descriptor, "publish", ABI_PUBLISH},
    {&abi__command_request__descriptor, "watch", ABI_WATCH},
    {&abi__command_request__descriptor, "login", ABI_LOGIN},
    {&abi__login__descriptor, "user", ABI_LOGIN_USER},
    {&abi__login__descriptor, "password", ABI_LOGIN_PASSWORD},
    {&abi__command_request__descriptor, "hget", WEFT_KV_HGET},
    {&abi__command_request__descriptor, "hgetall", WEFT_KV_HGETALL},
    {&abi__command_request__descriptor, "hmget", WEFT_KV_HMGET},
    {&abi__command_request__descriptor, "hset", WEFT_KV_HSET},
    {&abi__command_request__descriptor, "hmset", WEFT_KV_HMSET},
    {&abi__command_request__descriptor, "hdel", WEFT_KV_HDEL},
    {&abi__command_request__descriptor, "hmdel", WEFT_KV_HMDEL},
    {&abi__command_request__descriptor, "hexist", WEFT_KV_HEXIST},
    {&abi__command_request__descriptor, "hmexist", WEFT_KV_HMEXIST},
    {&abi__command_request__descriptor, "hscan", WEFT_KV_HSCAN},
    {&abi__command_request__descriptor, "hput", WEFT_KV_HPUT},
    {&abi__command_request__descriptor, "hincr", WEFT_KV_HINCR},
    {&abi__command_request__descriptor, "hexpire", WEFT_KV_HEXPIRE},
    {&abi__command_request__descriptor, "tables", WEFT_KV_TABLES},
    {&abi__command_request__descriptor, "drop", WEFT_KV_DROP},
    {&abi__command_request__descriptor, "count", WEFT_KV_COUNT},
    {&abi__hget__descriptor, "key", ABI_COMMAND_ITEM},
    {&abi__hmget__descriptor, "keys", ABI_COMMAND_ITEM},
    {&abi__hset__descriptor, "pair", ABI_COMMAND_ITEM},
    {&abi__hmset__descriptor, "pairs", ABI_COMMAND_ITEM},
    {&abi__hdel__descriptor, "key", ABI_COMMAND_ITEM},
    {&abi__hmdel__descriptor, "keys", ABI_COMMAND_ITEM},
    {&abi__hexist__descriptor, "key", ABI_COMMAND_ITEM},
    {&abi__hmexist__descriptor, "keys", ABI_COMMAND_ITEM},
    {&abi__hget__descriptor, "state", ABI_COMMAND_STATE},
    {&abi__hmget__descriptor, "state", ABI_COMMAND_STATE},
    {&abi__hput__descriptor, "changes", ABI_COMMAND_ITEM},
    {&abi__hput__descriptor, "state", ABI_COMMAND_STATE},
    {&abi__hincr__descriptor, "key", ABI_COMMAND_ITEM},
    {&abi__hincr__descriptor, "integer", ABI_HINCR_INTEGER},
    {&abi__hincr__descriptor, "float", ABI_HINCR_FLOAT},
    {&abi__hexpire__descriptor, "keys", ABI_COMMAND_ITEM},
    {&abi__hexpire__descriptor, "expire_after", ABI_EXPIRE_AFTER},
    {&abi__hexpire__descriptor, "expire_at", ABI_EXPIRE_AT},
    {&abi__hexpire__descriptor, "expire_never", ABI_EXPIRE_NEVER},
    {&abi__change__descriptor, "key", ABI_CHANGE_KEY},
    {&abi__change__descriptor, "value", ABI_CHANGE_VALUE},
    {&abi__change__descriptor, "expire_after", ABI_EXPIRE_AFTER},
    {&abi__change__descriptor, "expire_at", ABI_EXPIRE_AT},
    {&abi__change__descriptor, "expire_never", ABI_EXPIRE_NEVER},
    {&abi__change__descriptor, "expire_keep", ABI_EXPIRE_KEEP},
    {&abi__change__descriptor, "remove", ABI_CHANGE_REMOVE},
    {&abi__change__descriptor, "if_absent", ABI_CHANGE_IF_ABSENT},
    {&abi__change__descriptor, "if_present", ABI_CHANGE_IF_PRESENT},
    {&abi__change__descriptor, "if_version", ABI_CHANGE_IF_VERSION},
    {&abi__hscan__descriptor, "cursor", ABI_PAGE_CURSOR},
    {&abi__hscan__descriptor, "limit", ABI_PAGE_LIMIT},
    {&abi__hscan__descriptor, "prefix", ABI_HSCAN_PREFIX},
    {&abi__hscan__descriptor, "match", ABI_HSCAN_MATCH},
    {&abi__hscan__descriptor, "keys_only", ABI_HSCAN_KEYS_ONLY},
    {&abi__hscan__descriptor, "state", ABI_HSCAN_STATE},
    {&abi__tables__descriptor, "prefix", ABI_COMMAND_TABLE},
    {&abi__tables__descriptor, "cursor", ABI_PAGE_CURSOR},
    {&abi__tables__descriptor, "limit", ABI_PAGE_LIMIT},
    {&abi__kvpair__descriptor, "key", ABI_PAIR_KEY},
    {&abi__kvpair__descriptor, "value", ABI_PAIR_VALUE},
    {&abi__value__descriptor, "string", KV_TYPE_STRING},
    {&abi__value__descriptor, "binary", KV_TYPE_BINARY},
    {&abi__value__descriptor, "integer", KV_TYPE_INTEGER},
    {&abi__value__descriptor, "float", KV_TYPE_FLOAT},
    {&abi__value__descriptor, "bool", KV_TYPE_BOOL},
    {&abi__command_response__descriptor, "status", ABI_RESPONSE_STATUS},
    {&abi__command_response__descriptor, "message", ABI_RESPONSE_MESSAGE},
    {&abi__command_response__descriptor, "values", ABI_RESPONSE_VALUES},
    {&abi__command_response__descriptor, "pairs", ABI_RESPONSE_PAIRS},
    {&abi__command_response__descriptor, "cursor", ABI_RESPONSE_CURSOR},
    {&abi__command_response__descriptor, "topic", ABI_RESPONSE_TOPIC},
    {&abi__command_response__descriptor, "states", ABI_RESPONSE_STATES},
    {&abi__command_response__descriptor, "tables", ABI_RESPONSE_TABLES},
    {&abi__command_response__descriptor, "changes", ABI_RESPONSE_CHANGES},
    {&abi__command_response__descriptor, "number", ABI_RESPONSE_NUMBER},
    {&abi__watch__descriptor, "table", ABI_COMMAND_TABLE},
    {&abi__watch__descriptor, "key", ABI_WATCH_KEY},
    {&abi__watch__descriptor, "prefix", ABI_WATCH_PREFIX},
    {&abi__watch__descriptor, "from", ABI_WATCH_FROM},
    {&abi__watch__descriptor, "all_tables", ABI_WATCH_ALL_TABLES},
    {&abi__watch__descriptor, "only_number", ABI_WATCH_ONLY_NUMBER},
    {&abi__watch__descriptor, "versions", ABI_WATCH_VERSIONS},
    {&abi__changed__descriptor, "number", ABI_CHANGED_NUMBER},
    {&abi__changed__descriptor, "table", ABI_CHANGED_TABLE},
    {&abi__changed__descriptor, "key", ABI_CHANGED_KEY},
    {&abi__changed__descriptor, "value", ABI_CHANGED_VALUE},
    {&abi__changed__descriptor, "removed", ABI_CHANGED_REMOVED},
    {&abi__changed__descriptor, "expired", ABI_CHANGED_EXPIRED},
    {&abi__changed__descriptor, "dropped", ABI_CHANGED_DROPPED},
    {&abi__changed__descriptor, "expires", ABI_CHANGED_EXPIRES},
    {&abi__changed__descriptor, "version", ABI_CHANGED_VERSION},
    {&abi__subscribe__descriptor, "topic", ABI_COMMAND_TABLE},
    {&abi__subscribe__descriptor, "pattern", ABI_SUBSCRIBE_PATTERN},
    {&abi__subscribe__descriptor, "end_if_slow", ABI_SUBSCRIBE_END_IF_SLOW},
    {&abi__unsubscribe__descriptor, "topic", ABI_COMMAND_TABLE},
    {&abi__unsubscribe__descriptor, "id", ABI_UNSUBSCRIBE_ID},
    {&abi__publish__descriptor, "topic", ABI_COMMAND_TABLE},
    {&abi__publish__descriptor, "data", ABI_PUBLISH_DATA},
    {&abi__state__descriptor, "version", ABI_STATE_VERSION},
    {&abi__state__descriptor, "expires", ABI_STATE_EXPIRES},
    {&abi__state__descriptor, "left", ABI_STATE_LEFT},
    {&abi__state__descriptor, "unmet", ABI_STATE_UNMET},
    {&abi__table__descriptor, "name", ABI_TABLE_NAME},
    {&abi__table__descriptor, "count", ABI_TABLE_COUNT},
};

static void assert_number(const ProtobufCMessageDescriptor *message, const char *name,
                          unsigned in_code)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message, name);
    if (!field)
        fail_msg("%s has no field %s", message->name, name);
    if (field->id != in_code)
        fail_msg("%s.%s is %u, in the code %u", message->name, name, field->id, in_code);
}

static void test_numbers_in_the_code_are_those_of_the_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_number(numbers[i].message, numbers[i].field, numbers[i].in_code);
}

static bool has_no_table(const ProtobufCMessageDescriptor *command)
{
    return command == &abi__tables__descriptor || command == &abi__login__descriptor ||
           command == &abi__subscribe__descriptor || command == &abi__unsubscribe__descriptor ||
           command == &abi__publish__descriptor;
}

static void test_every_command_has_its_table_under_one_number(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *request = &abi__command_request__descriptor;
    for (unsigned i = 0; i < request->n_fields; i++) {
        if (!has_no_table(request->fields[i].descriptor))
            assert_number(request->fields[i].descriptor, "table", ABI_COMMAND_TABLE);
    }
}

/* The table above names every field but tables and keys, so that a new one cannot be forgotten. */
static void test_every_field_of_the_messages_is_in_the_code(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *const all[] = {&abi__command_request__descriptor,
                                                     &abi__command_response__descriptor,
                                                     &abi__kvpair__descriptor,
                                                     &abi__value__descriptor,
                                                     &abi__login__descriptor,
                                                     &abi__hget__descriptor,
                                                     &abi__hmget__descriptor,
                                                     &abi__hscan__descriptor,
                                                     &abi__hput__descriptor,
                                                     &abi__hincr__descriptor,
                                                     &abi__hexpire__descriptor,
                                                     &abi__tables__descriptor,
                                                     &abi__change__descriptor,
                                                     &abi__state__descriptor,
                                                     &abi__table__descriptor,
                                                     &abi__watch__descriptor,
                                                     &abi__subscribe__descriptor,
                                                     &abi__unsubscribe__descriptor,
                                                     &abi__publish__descriptor,
                                                     &abi__changed__descriptor};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        for (unsigned i = 0; i < all[k]->n_fields; i++) {
            const ProtobufCFieldDescriptor *field = &all[k]->fields[i];
            bool named = strcmp(field->name, "table") == 0 || strcmp(field->name, "key") == 0 ||
                         strcmp(field->name, "keys") == 0;
            for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
                named = named || (numbers[n].message == all[k] && numbers[n].in_code == field->id);
            if (!named)
                fail_msg("%s.%s is not in the code", all[k]->name, field->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_in_the_code_are_those_of_the_messages),
        cmocka_unit_test(test_every_command_has_its_table_under_one_number),
        cmocka_unit_test(test_every_field_of_the_messages_is_in_the_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
