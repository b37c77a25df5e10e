/* SPDX-License-Identifier: MIT */
#include "clean.h"

/* An hmdel answers the values that it removed, so its keys are limited by their size. */
enum { KEYS_MAX = 1000, BYTES_MAX = 1 << 20 };

static enum cli_exit on_answer(struct cli_exchange *exchange, const struct weft_kv_reply *reply)
{
    if (reply->status == 200)
        return CLI_EXIT_DONE;
    weft_error_set(&exchange->error, WEFT_EMALFORMED, "%u %.*s", reply->status,
                   (int)(reply->message.size < 400 ? reply->message.size : 400),
                   (const char *)reply->message.data);
    return CLI_EXIT_REFUSED;
}

static enum cli_exit remove_keys(struct cli_session *session, const char *table, uint32_t first,
                                 size_t count, struct weft_error *error)
{
    struct cli_bench_key keys[KEYS_MAX];
    struct weft_view views[KEYS_MAX];
    for (size_t i = 0; i < count; i++) {
        cli_bench_key_set(&keys[i], first + (uint32_t)i);
        views[i] = weft_view(keys[i].text, CLI_BENCH_KEY_SIZE);
    }
    struct cli_exchange exchange = {
        .request = {.op = WEFT_KV_HMDEL,
                    .table = weft_view_str(table),
                    .keys = views,
                    .key_count = count},
        .writes = true,
        .answered = on_answer,
    };
    return cli_session_exchange(session, &exchange, error);
}

enum cli_exit cli_bench_clean(const struct cli_run *run, const struct cli_bench_config *config,
                              struct weft_error *error)
{
    struct cli_session *session = run->session;
    size_t step = BYTES_MAX / (config->value_size + 64);
    step = step > KEYS_MAX ? KEYS_MAX : step == 0 ? 1 : step;
    enum cli_exit code = cli_session_connect(session, error);
    cli_session_watch_all(session);
    for (uint32_t first = 0; first < config->keys && code == CLI_EXIT_DONE;) {
        size_t left = config->keys - first, count = left < step ? left : step;
        code = remove_keys(session, config->table, first, count, error);
        first += (uint32_t)count;
    }
    cli_session_unwatch(session);
    cli_session_disconnect(session);
    return code;
}
