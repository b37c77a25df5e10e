/* SPDX-License-Identifier: MIT */
#include "loose_fixture.h"

struct weft__conn *only_conn(struct server_fixture *f)
{
    assert_int_equal(f->worker->conn_count, 1);
    return f->worker->conns;
}

struct test_peer *start(struct server_fixture *f, size_t window)
{
    f->options.limits.output_high = HIGH;
    f->options.limits.output_low = LOW;
    f->options.limits.push_high = PUSH_HIGH;
    struct test_peer *peer = serve_one(f);
    script_set_rules(peer->end, &(struct script_rules){.window = window});
    return peer;
}

void say_farewell(struct probe *probe, const char *name)
{
    assert_int_equal(probe_end(probe, name, "bye"), 0);
}
