/* SPDX-License-Identifier: MIT
 *
 *     generate manual TEMPLATE          a manual page
 *     generate bash|zsh|fish kvs|kvc    completions
 *     generate example kvs              a configuration file
 *
 * on standard output. */
#include "generate.h"

#include <string.h>

#include "codecs/codecs.h"
#include "programs/kvs/config.h"
#include "transports/transports.h"
#ifdef WEFT_HAS_TLS
#include "transports/tls/tls.h"
#endif
#ifdef WEFT_HAS_WEBSOCKET
#include "transports/websocket/websocket.h"
#endif
#include "services/admin/admin.h"
#include "services/echo/echo.h"
#include "services/kv/service.h"
#include "services/kv/stores/on_disk.h"
#ifdef WEFT_HAS_REDIS
#include "services/kv/stores/on_redis.h"
#endif
#include "services/kv/stores/stores.h"

const struct weft_transport *const generate_transports[] = {
    &weft_transport_tcp,
    &weft_transport_unix,
    &weft_transport_yamux,
    NULL,
};

const struct weft_filter *const generate_filters[] = {
#ifdef WEFT_HAS_WEBSOCKET
    &weft_filter_websocket,
#endif
#ifdef WEFT_HAS_TLS
    &weft_filter_tls,
#endif
    NULL,
};

const struct weft_codec *const generate_codecs[] = {
    &weft_codec_length_delimited_gzip,
    &weft_codec_raw,
    &weft_codec_varint,
    &weft_codec_length_field,
    &weft_codec_line,
#ifdef WEFT_HAS_HTTP
    &weft_codec_http,
#endif
#ifdef WEFT_HAS_GRPC
    &weft_codec_grpc,
#endif
    &weft_codec_resp,
    NULL,
};

const struct weft_service *const generate_services[] = {
    &weft_kv_service,
    &weft_kv_http_service,
    &weft_kv_line_service,
    &weft_kv_resp_service,
    &weft_admin_service,
    &echo_service,
    NULL,
};

const struct kv_store *const generate_stores[] = {
    &weft_kv_store_memory,
    &weft_kv_store_lmdb,
    &weft_kv_store_rocksdb,
#ifdef WEFT_HAS_REDIS
    &weft_kv_store_redis,
    &weft_kv_store_redis_cluster,
#endif
    NULL,
};

void generate_kvs_table(struct cli_table *table)
{
    const struct weft_limit *const owners[] = {weft_kv_limit_table(), NULL};
    kvs_table_init(table, owners);
}

static void add_choice(char *dst, size_t size, const char *choice)
{
    size_t used = strlen(dst);
    snprintf(dst + used, size - used, "%s%s", used > 0 ? " " : "", choice);
}

/* kvc speaks protobuf, for which it needs a codec that carries anything, and lines. */
static void add_codecs(const struct cli_table *table, char *dst, size_t size)
{
    for (size_t i = 0; generate_codecs[i]; i++)
        if (!generate_has_commands(table) || strcmp(generate_codecs[i]->speaks, "*") == 0 ||
            strcmp(generate_codecs[i]->speaks, "line") == 0)
            add_choice(dst, size, generate_codecs[i]->name);
    if (!generate_has_commands(table))
        add_choice(dst, size, "auto");
}

void generate_choices(const struct cli_table *table, const struct cli_option *option, char *dst,
                      size_t size)
{
    *dst = 0;
    if (strcmp(option->name, "codec") == 0)
        add_codecs(table, dst, size);
    if (strcmp(option->name, "store") == 0)
        for (size_t i = 0; generate_stores[i]; i++)
            add_choice(dst, size, generate_stores[i]->name);
    if (strcmp(option->name, "rows") == 0)
        snprintf(dst, size, "csv ndjson");
    if (strcmp(option->name, "value-kind") == 0)
        snprintf(dst, size, "json random");
    if (strcmp(option->name, "log-format") == 0)
        snprintf(dst, size, "text json");
    if (strcmp(option->name, "log-level") == 0)
        for (int level = WEFT_LOG_ERROR; level <= WEFT_LOG_TRACE; level++)
            add_choice(dst, size, weft_log_level_name((enum weft_log_level)level));
}

bool generate_has_commands(const struct cli_table *table)
{
    return table->program->takes_words;
}

static int usage(void)
{
    fprintf(stderr, "usage: generate manual TEMPLATE | generate bash|zsh|fish kvs|kvc | "
                    "generate example kvs\n");
    return 2;
}

static int print_manual(const char *path)
{
    FILE *template = fopen(path, "r");
    if (!template) {
        perror(path);
        return 1;
    }
    int err = generate_manual(template, stdout);
    fclose(template);
    return err == 0 ? 0 : 1;
}

static int print_completions(const char *shell, const char *name)
{
    static const struct {
        const char *name;
        void (*generate)(const struct cli_table *table, FILE *out);
    } shells[] = {{"bash", generate_bash}, {"zsh", generate_zsh}, {"fish", generate_fish}};
    struct cli_table table;
    if (strcmp(name, "kvs") == 0)
        generate_kvs_table(&table);
    else
        kvc_table_init(&table);
    if (strcmp(name, table.program->name) != 0)
        return usage();
    if (strcmp(shell, "example") == 0 && !generate_has_commands(&table)) {
        kvs_config_print_example(&table, stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shell, shells[i].name) == 0) {
            shells[i].generate(&table, stdout);
            return 0;
        }
    return usage();
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return usage();
    int code = strcmp(argv[1], "manual") == 0 ? print_manual(argv[2])
                                              : print_completions(argv[1], argv[2]);
    return fflush(stdout) == 0 ? code : 1;
}
