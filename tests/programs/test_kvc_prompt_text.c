/* SPDX-License-Identifier: MIT
 *
 * Text that is typed and pasted at the prompt is stored byte for byte, or the line is refused,
 * in any locale. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "lib/random.h"
#include "prompt_fixture.h"

enum { TEXT_MAX = 48, LINE_MAX = 1024, LINES = 200, BATCH = 25 };

struct text {
    char bytes[4 * TEXT_MAX + 16];
    size_t size;
};

static void put(struct text *text, uint32_t code)
{
    uint8_t *to = (uint8_t *)text->bytes + text->size;
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        text->size += 1;
    } else if (code < 0x800) {
        to[0] = (uint8_t)(0xc0 | code >> 6);
        to[1] = (uint8_t)(0x80 | (code & 0x3f));
        text->size += 2;
    } else if (code < 0x10000) {
        to[0] = (uint8_t)(0xe0 | code >> 12);
        to[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        to[2] = (uint8_t)(0x80 | (code & 0x3f));
        text->size += 3;
    } else {
        to[0] = (uint8_t)(0xf0 | code >> 18);
        to[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        to[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        to[3] = (uint8_t)(0x80 | (code & 0x3f));
        text->size += 4;
    }
}

/* Any character but NUL and CR, which a terminal sends for a line end. A typed control is a key. */
static uint32_t draw(struct test_random *random, bool pasted)
{
    static const uint32_t ends[] = {0x20,  0x7e,  0x80,   0x9f,    0xa0,
                                    0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};
    for (;;) {
        uint64_t kind = test_random_below(random, pasted ? 6 : 5);
        uint32_t code = kind == 5
                            ? (uint32_t)test_random_below(random, 0x20)
                            : ends[2 * kind] + (uint32_t)test_random_below(
                                                   random, ends[2 * kind + 1] - ends[2 * kind] + 1);
        bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
        if (code != 0 && code != '\r' && !is_surrogate)
            return code;
    }
}

/* The number makes each text another key. */
static void make_text(struct text *text, struct test_random *random, unsigned number, bool pasted)
{
    size_t count = 1 + test_random_below(random, TEXT_MAX - 1);
    text->size = (size_t)snprintf(text->bytes, sizeof text->bytes, "%u:", number);
    while (count-- > 0)
        put(text, draw(random, pasted));
}

/* "hset TABLE "TEXT" "TEXT"", quoted; returns its size. */
static size_t write_command(char *line, const char *table, const struct text *text)
{
    size_t used = (size_t)sprintf(line, "hset %s", table);
    for (int copy = 0; copy < 2; copy++) {
        line[used++] = ' ';
        line[used++] = '"';
        for (size_t i = 0; i < text->size; i++) {
            if (text->bytes[i] == '"' || text->bytes[i] == '\\')
                line[used++] = '\\';
            line[used++] = text->bytes[i];
        }
        line[used++] = '"';
    }
    line[used++] = '\n';
    line[used] = '\0';
    return used;
}

/* A command whose answer shows that those before it were run. */
static void see_that_all_ran(const char *table, unsigned batch)
{
    char line[64], shown[96];
    snprintf(line, sizeof line, "hget %s-none %u", table, batch);
    snprintf(shown, sizeof shown, "404 Not found for table: %s-none, key: %u\n", table, batch);
    enter(line, shown);
}

static void send(const char *lines, bool pasted)
{
    struct process process;
    if (!pasted) {
        assert_int_equal(tmux(&process, WORDS("send-keys", "-l", "--", lines)), 0);
    } else {
        assert_int_equal(tmux(&process, WORDS("set-buffer", "--", lines)), 0);
        process_kill(&process);
        assert_int_equal(tmux(&process, WORDS("paste-buffer", "-p", "-d")), 0);
    }
    process_kill(&process);
}

static void expect_table(const char *table, const struct text *texts)
{
    struct process kvc;
    assert_int_equal(kvc_run(&kvc, url, WORDS("--json", "hgetall", table)), 0);
    json_t *answer = json_loads(kvc.out.text, 0, NULL);
    assert_non_null(answer);
    json_t *pairs = json_object_get(answer, "pairs");
    size_t index, found = 0;
    json_t *pair;
    json_array_foreach(pairs, index, pair)
    {
        const char *key = json_string_value(json_object_get(pair, "key"));
        const char *value = json_string_value(json_object_get(pair, "value"));
        size_t number = strtoul(key, NULL, 10);
        assert_true(number >= 1000 && number < 1000 + LINES);
        const struct text *text = &texts[number - 1000];
        assert_int_equal(strlen(key), text->size);
        assert_memory_equal(key, text->bytes, text->size);
        assert_string_equal(value, key);
        found++;
    }
    assert_int_equal(found, LINES);
    json_decref(answer);
    process_kill(&kvc);
}

static void test_lines(const char *locale, const char *table, bool pasted)
{
    static struct text texts[LINES];
    static char lines[BATCH * LINE_MAX];
    struct test_random random = test_random_start(pasted ? 20 : 10);
    open_prompt(locale, "");
    for (unsigned number = 0; number < LINES;) {
        size_t used = 0;
        for (unsigned i = 0; i < BATCH; i++, number++) {
            make_text(&texts[number], &random, 1000 + number, pasted);
            used += write_command(lines + used, table, &texts[number]);
        }
        send(lines, pasted);
        if (pasted)
            type("Enter");
        see_that_all_ran(table, number);
    }
    close_terminal();
    expect_table(table, texts);
}

static void test_typed_text_arrives_in_the_c_locale(void **state)
{
    (void)state;
    test_lines("LC_ALL=C", "typed-c", false);
}

static void test_typed_text_arrives_in_the_posix_locale(void **state)
{
    (void)state;
    test_lines("LC_ALL=POSIX", "typed-posix", false);
}

static void test_typed_text_arrives_in_a_locale_of_utf_8(void **state)
{
    (void)state;
    test_lines("LC_ALL=C.UTF-8", "typed-utf8", false);
}

static void test_pasted_text_arrives_in_the_c_locale(void **state)
{
    (void)state;
    test_lines("LC_ALL=C", "pasted-c", true);
}

static void test_pasted_text_arrives_in_the_posix_locale(void **state)
{
    (void)state;
    test_lines("LC_ALL=POSIX", "pasted-posix", true);
}

static void test_pasted_text_arrives_in_a_locale_of_utf_8(void **state)
{
    (void)state;
    test_lines("LC_ALL=C.UTF-8", "pasted-utf8", true);
}

#define TEST(name) cmocka_unit_test_teardown(name, close_it)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_typed_text_arrives_in_the_c_locale),
        TEST(test_typed_text_arrives_in_the_posix_locale),
        TEST(test_typed_text_arrives_in_a_locale_of_utf_8),
        TEST(test_pasted_text_arrives_in_the_c_locale),
        TEST(test_pasted_text_arrives_in_the_posix_locale),
        TEST(test_pasted_text_arrives_in_a_locale_of_utf_8),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
