/* SPDX-License-Identifier: MIT */
#include "administer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/inspect.h"

/* --- the process ----------------------------------------------------------------------------------- */

static const struct weft_metric build = {"weft_build_info", NULL, "1; the version is a label",
                                         WEFT_GAUGE},
                                resident = {"process_resident_memory_bytes", "bytes",
                                            "Memory of the process that is resident", WEFT_GAUGE},
                                cpu = {"process_cpu_seconds", "seconds",
                                       "CPU time that the process has used", WEFT_COUNTER},
                                begin = {"process_start_time_seconds", "seconds",
                                         "When the process started, in seconds since 1970",
                                         WEFT_GAUGE};

/* Returns the resident bytes, or 0 if the system does not say. */
static double read_resident(void)
{
    unsigned long long all, pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%llu %llu", &all, &pages) != 2)
        pages = 0;
    (void)fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void collect_process(void *context, struct weft_samples *samples)
{
    const struct kvs_administer *self = context;
    const struct weft_label version = {"version", WEFT_VERSION};
    struct timespec used = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    weft_samples_add(samples, &build, &version, 1, 1);
    weft_samples_add(samples, &resident, NULL, 0, read_resident());
    weft_samples_add(samples, &cpu, NULL, 0, (double)used.tv_sec + (double)used.tv_nsec / 1e9);
    weft_samples_add(samples, &begin, NULL, 0, (double)self->started / 1000);
}

/* --- orders ---------------------------------------------------------------------------------------- */

static int make_snapshot(struct kvs_administer *self, struct weft_error *error)
{
    int err = weft_kv_context_snapshot(self->kv);
    if (err == -ENOTSUP)
        return weft_error_set(error, err, "The store makes no snapshots: see docs/stores.md");
    return err < 0 ? weft_error_set(error, err, "%s", weft_strerror(err)) : 0;
}

static int act(void *context, struct weft_admin_order *order, struct weft_error *error)
{
    struct kvs_administer *self = context;
    switch (order->action) {
    case WEFT_ADMIN_DRAIN:
        kvs_serving_drain(self->serving, "asked=admin");
        return 0;
    case WEFT_ADMIN_LOG_LEVEL:
        return kvs_serving_log_level(self->serving, order->argument, order->result,
                                     sizeof order->result, error);
    case WEFT_ADMIN_SNAPSHOT:
        return make_snapshot(self, error);
    case WEFT_ADMIN_RELOAD:
        break;
    }
    return kvs_serving_reload(self->serving, "admin", order->result, sizeof order->result, error);
}

static void on_serving(void *context, struct kvs_serving *serving)
{
    struct kvs_administer *self = context;
    self->serving = serving;
    self->of_server =
        (struct weft_collector){.collect = weft_server_collect, .context = serving->server};
    weft_collectors_add(&self->collectors, &self->of_server);
    weft_admin_set_server(&self->admin, serving->server);
    weft_admin_set_state(&self->admin, WEFT_ADMIN_READY);
}

static void on_drain(void *context)
{
    struct kvs_administer *self = context;
    weft_admin_set_state(&self->admin, WEFT_ADMIN_DRAINING);
}

static void on_end(void *context)
{
    struct kvs_administer *self = context;
    weft_collectors_remove(&self->collectors, &self->of_server);
}

/* --- the parts ------------------------------------------------------------------------------------- */

static void add_collectors(struct kvs_administer *self, struct weft_users *users)
{
    self->collectors = (struct weft_collectors)WEFT_COLLECTORS_INIT;
    self->of_process = (struct weft_collector){.collect = collect_process, .context = self};
    self->of_store =
        (struct weft_collector){.collect = weft_kv_context_collect, .context = self->kv};
    self->of_users = (struct weft_collector){.collect = weft_users_collect, .context = users};
    self->of_metrics =
        (struct weft_collector){.collect = weft_metrics_collect, .context = self->metrics};
    weft_collectors_add(&self->collectors, &self->of_process);
    weft_collectors_add(&self->collectors, &self->of_store);
    if (users)
        weft_collectors_add(&self->collectors, &self->of_users);
    weft_collectors_add(&self->collectors, &self->of_metrics);
}

static void describe(struct kvs_administer *self, const struct kvs_config *config)
{
    struct timespec now;
    size_t count = 0;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    self->started = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    (void)snprintf(self->threads, sizeof self->threads, "%u", config->threads);
    (void)snprintf(self->start, sizeof self->start, "%" PRId64, (int64_t)now.tv_sec);
    const char *const facts[][2] = {{"version", WEFT_VERSION},
                                    {"store", config->store},
                                    {"threads", self->threads},
                                    {"started", self->start},
                                    {"config", config->file ? config->file : ""}};
    for (; count < sizeof facts / sizeof *facts; count++) {
        self->admin.facts[count].name = facts[count][0];
        self->admin.facts[count].value = facts[count][1];
    }
}

/* The layer and the service are there for whoever names them in a URL; the layer watches every endpoint if there is
 * somebody to whom it tells. */
static int add_plugins(struct kvs_administer *self, struct weft_registry *registry)
{
    const struct weft_layer *layer =
        self->slow_log ? &weft_metrics_slow_layer : &weft_metrics_layer;
    int err = weft_registry_add_layer(registry, layer, self->metrics);
    weft_admin_set_data(&self->admin, &weft_kv_http_service, self->kv);
    return err < 0 ? err : weft_registry_add_service(registry, &self->admin.service, &self->admin);
}

int kvs_administer_init(struct kvs_administer *self, const struct kvs_config *config,
                        const struct weft_log *log, struct weft_kv_context *kv,
                        struct weft_users *users, struct weft_registry *registry,
                        struct weft_error *error)
{
    *self = (struct kvs_administer){.kv = kv};
    if (config->slow_log > 0)
        self->slow_log = weft_slow_log_new(KVS_SLOW_ENTRIES, config->slow_log);
    const struct weft_metrics_options options = {.slow_log = self->slow_log};
    int err = config->slow_log > 0 && !self->slow_log ? -ENOMEM : 0;
    if (err == 0)
        err = weft_metrics_new(&self->metrics, &options);
    if (err == 0)
        err = add_plugins(self, registry);
    if (err < 0)
        return weft_error_set(error, err, "%s", weft_strerror(err));
    add_collectors(self, users);
    describe(self, config);
    kv->collectors = &self->collectors;
    kv->slow_log = self->slow_log;
    self->admin.collectors = &self->collectors;
    self->admin.slow_log = self->slow_log;
    self->admin.log = log;
    self->admin.limits[0].table = weft_kv_limit_table();
    self->admin.limits[0].values = kvs_limits_of(config, 0);
    self->admin.act = act;
    self->admin.context = self;
    self->server = (struct kvs_admin){
        .observer = config->admin || self->slow_log ? "metrics" : NULL,
        .serving = on_serving,
        .draining = on_drain,
        .ended = on_end,
        .context = self,
        .slow_log = self->slow_log,
    };
    return 0;
}

void kvs_administer_fini(struct kvs_administer *self)
{
    weft_metrics_free(self->metrics);
    weft_slow_log_free(self->slow_log);
}
