/* SPDX-License-Identifier: MIT
 *
 * The field numbers that stand in the code, against those of proto/abi.proto. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
    {&abi__hget__descriptor, "key", ABI_COMMAND_ITEM},
    {&abi__hmget__descriptor, "keys", ABI_COMMAND_ITEM},
    {&abi__hset__descriptor, "pair", ABI_COMMAND_ITEM},
    {&abi__hmset__descriptor, "pairs", ABI_COMMAND_ITEM},
    {&abi__hdel__descriptor, "key", ABI_COMMAND_ITEM},
    {&abi__hmdel__descriptor, "keys", ABI_COMMAND_ITEM},
    {&abi__hexist__descriptor, "key", ABI_COMMAND_ITEM},
    {&abi__hmexist__descriptor, "keys", ABI_COMMAND_ITEM},
    {&abi__hscan__descriptor, "cursor", ABI_HSCAN_CURSOR},
    {&abi__hscan__descriptor, "limit", ABI_HSCAN_LIMIT},
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

static void test_every_command_has_its_table_under_one_number(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *request = &abi__command_request__descriptor;
    for (unsigned i = 0; i < request->n_fields; i++)
        assert_number(request->fields[i].descriptor, "table", ABI_COMMAND_TABLE);
}

/* The table above names every field there is, so that a new one cannot be forgotten. */
static void test_every_field_of_a_reply_a_pair_and_a_value_is_in_the_code(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *const all[] = {
        &abi__command_request__descriptor, &abi__command_response__descriptor,
        &abi__kvpair__descriptor, &abi__value__descriptor, &abi__hscan__descriptor};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        for (unsigned i = 0; i < all[k]->n_fields; i++) {
            const ProtobufCFieldDescriptor *field = &all[k]->fields[i];
            bool named = field->id == ABI_COMMAND_TABLE && all[k] == &abi__hscan__descriptor;
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
        cmocka_unit_test(test_every_field_of_a_reply_a_pair_and_a_value_is_in_the_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
