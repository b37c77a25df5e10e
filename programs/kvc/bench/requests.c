/* SPDX-License-Identifier: MIT */
#include "requests.h"

#include <errno.h>

#include "core/base/mem.h"
#include "services/kv/client/message.h"

/* Returns the key's offset. The search goes backwards, because only the value and its head can follow
 * the key, while a table of the key's name would come before it. */
static size_t find_key(const uint8_t *bytes, size_t end, const struct cli_bench_key *key)
{
    size_t at = end - CLI_BENCH_KEY_SIZE;
    while (memcmp(bytes + at, key->text, CLI_BENCH_KEY_SIZE) != 0)
        at--;
    return at;
}

/* Has the client's encoder write a request of the first key, and remembers what is around it. */
static int make_template(struct cli_bench_template *template, const struct weft_kv_request *request,
                         size_t value_size, const struct cli_bench_key *key)
{
    struct weft__kv_request_body body = weft__kv_request_to_body(request);
    template->size = body.body.size;
    template->bytes = weft_malloc(body.body.size);
    if (!template->bytes)
        return -ENOMEM;
    weft_body_write(&body.body, template->bytes);
    template->value_at = body.body.size - (request->pair_count > 0 ? value_size : 0);
    template->key_at = find_key(template->bytes, template->value_at, key);
    /* The value is written anew each time, so the template ends before it. */
    uint8_t *less = weft_realloc(template->bytes, template->value_at);
    template->bytes = less ? less : template->bytes;
    return 0;
}

int cli_bench_requests_init(struct cli_bench_requests *requests, struct weft_view table,
                            const struct cli_bench_values *values, struct weft_error *error)
{
    struct cli_bench_key key;
    cli_bench_key_set(&key, 0);
    const struct weft_view key_text = weft_view(key.text, CLI_BENCH_KEY_SIZE);
    const struct weft_kv_pair pair = {
        .key = key_text,
        .value = {.type = cli_bench_values_type(values),
                  .bytes = weft_view(values->text, values->size)},
    };
    *requests = (struct cli_bench_requests){.values = values};
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++) {
        struct weft_kv_request request = {.op = cli_bench_command_op((enum cli_bench_command)i),
                                          .table = table};
        if (request.op == WEFT_KV_HSET) {
            request.pairs = &pair;
            request.pair_count = 1;
        } else {
            request.keys = &key_text;
            request.key_count = 1;
        }
        int err = make_template(&requests->templates[i], &request, values->size, &key);
        if (err < 0) {
            cli_bench_requests_fini(requests);
            return weft_error_set(error, err, "%s", weft_strerror(err));
        }
    }
    return 0;
}

void cli_bench_requests_fini(struct cli_bench_requests *requests)
{
    for (size_t i = 0; i < CLI_BENCH_COMMANDS; i++)
        weft_free(requests->templates[i].bytes);
    *requests = (struct cli_bench_requests){0};
}

static void write_request(const struct weft_body *body, uint8_t *dst)
{
    const struct cli_bench_body *self = (const struct cli_bench_body *)(const void *)body;
    const struct cli_bench_template *template = self->template;
    memcpy(dst, template->bytes, template->value_at);
    memcpy(dst + template->key_at, self->key->text, CLI_BENCH_KEY_SIZE);
    if (template->value_at < template->size)
        cli_bench_value_write(self->values, self->key, dst + template->value_at);
}

struct cli_bench_body cli_bench_request_body(const struct cli_bench_requests *requests,
                                             enum cli_bench_command command,
                                             const struct cli_bench_key *key)
{
    const struct cli_bench_template *template = &requests->templates[command];
    return (struct cli_bench_body){
        .body = {.size = template->size, .write = write_request},
        .template = template,
        .values = requests->values,
        .key = key,
    };
}
