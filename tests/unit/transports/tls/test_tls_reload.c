/* SPDX-License-Identifier: MIT
 *
 * Files that change while connections are open. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "certificates.h"
#include "lib/sample_text.h"
#include "tls_fixture.h"

#define LIVE                                                                                       \
    "cert=@live.pem,@other.pem&key=@live.key,@other.key&client-ca=@live-ca.pem&verify=optional"

static void replace(const char *from, const char *to)
{
    char one[256], other[256], text[8192];
    snprintf(one, sizeof one, "%s/%s", tls_folder, from);
    snprintf(other, sizeof other, "%s/%s", tls_folder, to);
    FILE *in = fopen(one, "r"), *out = fopen(other, "w");
    assert_true(in && out);
    size_t size = fread(text, 1, sizeof text, in);
    assert_int_equal(fwrite(text, 1, size, out), size);
    fclose(in);
    fclose(out);
}

struct lines {
    char text[4][2048];
    int days[4];
    size_t count;
};

static void take_line(void *arg, const char *text, int days)
{
    struct lines *lines = arg;
    assert_true(lines->count < 4);
    snprintf(lines->text[lines->count], sizeof lines->text[0], "%s", text);
    lines->days[lines->count++] = days;
}

static struct lines describe(const struct weft_tls *tls)
{
    struct lines lines = {0};
    weft_tls_describe(tls, take_line, &lines);
    return lines;
}

static void assert_line(const char *line, const char *file, const char *behind)
{
    char begin[256];
    snprintf(begin, sizeof begin, "file=%s/%s subject=\"", tls_folder, file);
    assert_memory_equal(line, begin, strlen(begin));
    if (!strstr(line, behind))
        fail_msg("'%s' lacks '%s'", line, behind);
}

static void set_live(const char *stem)
{
    char file[64];
    snprintf(file, sizeof file, "%s.pem", stem);
    replace(file, "live.pem");
    snprintf(file, sizeof file, "%s.key", stem);
    replace(file, "live.key");
}

static void assert_takes(const struct tls_end *server, const char *query, bool takes)
{
    struct tls_end client, connection;
    tls_end_again(&connection, server);
    assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, query, NULL, NULL), 0);
    tls_talk(&client, &connection, SIZE_MAX / 2);
    assert_int_equal(client.result == -EAGAIN && connection.result == -EAGAIN, takes);
    tls_end_fini(&client);
    tls_end_hang_up(&connection);
}

static void test_pair_is_replaced_as_a_whole_or_not_at_all(void **state)
{
    struct weft_tls tls = {0};
    struct weft_error error = {0};
    struct tls_end server;
    (void)state;
    set_live("server");
    replace("ca.pem", "live-ca.pem");
    assert_int_equal(tls_end_init(&server, &tls, WEFT_SERVER, LIVE, NULL, &error), 0);

    assert_int_equal(weft_tls_prepare(&tls, &error), 0);
    assert_false(weft_tls_would_change(&tls));
    weft_tls_commit(&tls);
    assert_false(weft_tls_would_change(&tls));

    replace("wrong.pem", "live.pem"); /* and not its key */
    assert_int_equal(weft_tls_prepare(&tls, &error), WEFT_ECONFIG);
    assert_non_null(strstr(error.text, "live.key: it is not the key of the certificate"));
    assert_takes(&server, TLS_CLIENT, true);

    set_live("wrong");
    assert_int_equal(weft_tls_prepare(&tls, &error), 0);
    assert_true(weft_tls_would_change(&tls));
    weft_tls_abandon(&tls);
    assert_takes(&server, TLS_CLIENT, true);

    struct tls_end client, before;
    tls_end_again(&before, &server);
    assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, TLS_CLIENT, NULL, NULL), 0);
    tls_talk(&client, &before, 100);
    assert_int_equal(weft_tls_prepare(&tls, &error), 0);
    weft_tls_commit(&tls);
    assert_takes(&server, TLS_CLIENT, false);
    assert_takes(&server, "ca=@ca.pem&name=elsewhere.example", true);
    /* A connection that is open keeps what it has. */
    assert_int_equal(tls_end_seal(&client, "still here", 10), 0);
    tls_talk(&client, &before, 100);
    assert_string_equal((char *)before.got.data, "still here");
    tls_end_fini(&client);
    tls_end_hang_up(&before);
    tls_end_fini(&server);
}

static void test_sessions_end_with_those_who_may_come_in(void **state)
{
    struct weft_tls tls = {0};
    struct tls_end server, client, first, second, third;
    (void)state;
    set_live("server");
    replace("ca.pem", "live-ca.pem");
    assert_int_equal(tls_end_init(&server, &tls, WEFT_SERVER, LIVE, NULL, NULL), 0);
    assert_int_equal(tls_end_init(&client, NULL, WEFT_CLIENT, TLS_KNOWN, NULL, NULL), 0);
    tls_end_again(&first, &server);
    tls_talk(&client, &first, SIZE_MAX / 2);
    assert_string_equal(tls_end_peer(&first).subject, "ann");
    tls_end_again(&second, &client);
    tls_end_again(&third, &server);
    tls_talk(&second, &third, SIZE_MAX / 2);
    assert_string_equal(tls_end_peer(&third).subject, "ann");
    assert_int_equal(weft_tls_count(&tls).resumed, 1);
    tls_end_hang_up(&second);
    tls_end_hang_up(&third);

    replace("foreign.pem", "live-ca.pem");
    assert_int_equal(weft_tls_prepare(&tls, NULL), 0);
    assert_true(weft_tls_would_change(&tls));
    weft_tls_commit(&tls);
    tls_end_again(&second, &client);
    tls_end_again(&third, &server);
    tls_talk(&second, &third, SIZE_MAX / 2);
    assert_int_equal(third.result, -EPROTO);
    assert_int_equal(weft_tls_count(&tls).resumed, 1);
    assert_int_equal(weft_tls_count(&tls).failed, 1);
    tls_end_hang_up(&second);
    tls_end_hang_up(&third);
    tls_end_hang_up(&first);
    tls_end_fini(&client);
    tls_end_fini(&server);
}

static void test_description_says_what_is_in_use_and_if_the_disk_differs(void **state)
{
    struct weft_tls tls = {0};
    struct tls_end server, other;
    (void)state;
    set_live("server");
    replace("ca.pem", "live-ca.pem");
    assert_int_equal(tls_end_init(&server, &tls, WEFT_SERVER, LIVE, NULL, NULL), 0);
    assert_int_equal(
        tls_end_init(&other, &tls, WEFT_SERVER, "cert=@expired.pem&key=@expired.key", NULL, NULL),
        0);
    struct lines lines = describe(&tls);
    assert_int_equal(lines.count, 3);
    assert_line(lines.text[0], "expired.pem", "CN=localhost\" names=\"localhost\" until=20");
    assert_true(lines.days[0] < 0);
    assert_line(lines.text[1], "live.pem", "names=\"localhost,127.0.0.1,a.example\" until=20");
    assert_non_null(strstr(lines.text[1], " on-disk=same"));
    assert_in_range(lines.days[1], 89, 90);
    assert_line(lines.text[2], "other.pem", "CN=b.example\" names=\"b.example\"");
    set_live("wrong");
    lines = describe(&tls);
    assert_line(lines.text[1], "live.pem", "CN=localhost\"");
    assert_non_null(strstr(lines.text[1], " on-disk=differs"));
    assert_non_null(strstr(lines.text[2], " on-disk=same"));
    char path[256];
    snprintf(path, sizeof path, "%s/live.key", tls_folder);
    remove(path);
    lines = describe(&tls);
    assert_non_null(strstr(lines.text[1], " on-disk=unreadable"));
    tls_end_fini(&server);
    assert_int_equal(weft_tls_prepare(&tls, NULL), 0);
    weft_tls_abandon(&tls);
    tls_end_fini(&other);
}

static void test_certificate_of_many_names_is_described_in_short(void **state)
{
    char names[16 * 1024] = "DNS:name-0.example";
    struct weft_tls tls = {0};
    struct tls_end server;
    (void)state;
    for (int i = 1; i < 200; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), ",DNS:name-%d.example", i);
    const struct certificate many = {"many", "many", names, "ca", -1, 90, false};
    certificate_make(tls_folder, &many);
    assert_int_equal(
        tls_end_init(&server, &tls, WEFT_SERVER, "cert=@many.pem&key=@many.key", NULL, NULL), 0);
    struct lines lines = describe(&tls);
    assert_line(lines.text[0], "many.pem", "names=\"name-0.example,name-1.example,");
    assert_non_null(strstr(lines.text[0], ".example,...\" until="));
    tls_end_fini(&server);
}

static double expiry_of(struct weft_tls *tls, const char *file)
{
    static struct sample_text text;
    char label[256];
    const char *const with[] = {label, NULL};
    snprintf(label, sizeof label, "file=%s/%s}", tls_folder, file);
    sample_text_init(&text);
    weft_tls_collect(tls, &text.samples);
    return sample_text_sum(&text, "weft_tls_certificate_expiry_seconds", with);
}

/* Two endpoints have one file in common, which is told once. */
static void test_expiry_of_each_file_in_use_is_told_once(void **state)
{
    struct weft_tls tls = {0};
    struct weft_error error = {0};
    struct tls_end server, other;
    (void)state;
    set_live("server");
    replace("ca.pem", "live-ca.pem");
    assert_int_equal(tls_end_init(&server, &tls, WEFT_SERVER, LIVE, NULL, &error), 0);
    assert_int_equal(tls_end_init(&other, &tls, WEFT_SERVER, LIVE, NULL, &error), 0);
    struct lines lines = describe(&tls);
    double now = (double)time(NULL), live = expiry_of(&tls, "live.pem"),
           second = expiry_of(&tls, "other.pem");
    assert_int_equal(lines.count, 4);
    assert_in_range((int)((live - now) / 86400), lines.days[0] - 1, lines.days[0] + 1);
    assert_in_range((int)((second - now) / 86400), lines.days[1] - 1, lines.days[1] + 1);
    assert_true(expiry_of(&tls, "server.pem") < 0);
    tls_end_fini(&server);
    tls_end_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_is_replaced_as_a_whole_or_not_at_all),
        cmocka_unit_test(test_sessions_end_with_those_who_may_come_in),
        cmocka_unit_test(test_description_says_what_is_in_use_and_if_the_disk_differs),
        cmocka_unit_test(test_certificate_of_many_names_is_described_in_short),
        cmocka_unit_test(test_expiry_of_each_file_in_use_is_told_once),
    };
    return cmocka_run_group_tests_name("tls reload", tests, tls_group_setup, tls_group_teardown);
}
