/* SPDX-License-Identifier: MIT
 *
 * weft-selftest: runs the contract suites on the codecs, services and layers of a plugin, which finds the
 * functions of weft in this program: those of base as they are, and those of the service seam as the
 * suites have them, over requests without a connection and time that is virtual. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plugin.h"
#include "suites/codec_suite.h"
#include "suites/layer_suite.h"
#include "suites/service_suite.h"

enum { SAMPLES_MAX = 64, SAMPLE_SIZE_MAX = 1 << 20, EXIT_USAGE = 2 };

struct selftest {
    const char *path, *query, *only;
    bool text, delimited, ends_at_eof;
    struct weft_view samples[SAMPLES_MAX];
    size_t sample_count;
    int suites, failed;
};

static void print_usage(FILE *out)
{
    fputs(
        "usage: weft-selftest [OPTION...] PLUGIN.so\n"
        "\n"
        "Runs the contracts of weft's seams as tests on the codecs, services and layers of a "
        "plugin: every "
        "split of\n"
        "the input, limits, hostile headers, failing allocations, connections that must not meet.\n"
        "\n"
        "  -o, --options QUERY  options for configure, as in a URL: level=9&threshold=0\n"
        "  -s, --sample FILE    a good payload for its services; may be given up to 64 times\n"
        "      --only NAME      this codec, service or layer alone\n"
        "      --text           its codecs carry printable text alone\n"
        "      --delimited      a frame of its codecs ends at a mark; no header announces its "
        "length\n"
        "      --ends-at-eof    the end of the stream ends a frame as well as its mark does\n"
        "  -h, --help           this text\n"
        "  -V, --version\n"
        "\n"
        "Exits with 0 if all tests passed, 1 if one failed, 2 if there was nothing to test.\n",
        out);
}

static int refuse(const char *what, const char *more, const char *why)
{
    fprintf(stderr, "weft-selftest: %s%s%s\n", what, more, why);
    return EXIT_USAGE;
}

static int refuse_sample(const char *path, const char *why)
{
    fprintf(stderr, "weft-selftest: --sample %s: %s\n", path, why);
    return EXIT_USAGE;
}

/* Reads a payload whole. main frees it. */
static int add_sample(struct selftest *self, const char *path)
{
    if (self->sample_count == SAMPLES_MAX)
        return refuse_sample(path, "there are 64 already");
    FILE *file = fopen(path, "rb");
    if (!file)
        return refuse_sample(path, strerror(errno));
    uint8_t *data = malloc(SAMPLE_SIZE_MAX + 1);
    size_t size = data ? fread(data, 1, SAMPLE_SIZE_MAX + 1, file) : 0;
    bool failed = !data || ferror(file);
    fclose(file);
    if (failed || size > SAMPLE_SIZE_MAX) {
        free(data);
        return refuse_sample(path, failed ? "it cannot be read" : "it is larger than 1 MiB");
    }
    self->samples[self->sample_count++] = weft_view(data, size);
    return 0;
}

/* Returns 0, EXIT_USAGE, or below 0 if help or version was all that was wanted. */
static int read_options(struct selftest *self, int argc, char **argv)
{
    static const struct option options[] = {
        {"options", required_argument, NULL, 'o'},
        {"sample", required_argument, NULL, 's'},
        {"only", required_argument, NULL, 'O'},
        {"text", no_argument, NULL, 't'},
        {"delimited", no_argument, NULL, 'd'},
        {"ends-at-eof", no_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    for (int letter; (letter = getopt_long(argc, argv, "o:s:hV", options, NULL)) >= 0;) {
        int err = 0;
        switch (letter) {
        case 'o':
            self->query = optarg;
            break;
        case 's':
            err = add_sample(self, optarg);
            break;
        case 'O':
            self->only = optarg;
            break;
        case 't':
            self->text = true;
            break;
        case 'd':
            self->delimited = true;
            break;
        case 'e':
            self->ends_at_eof = true;
            break;
        case 'h':
            print_usage(stdout);
            return -1;
        case 'V':
            puts("weft-selftest " WEFT_VERSION);
            return -1;
        default:
            return EXIT_USAGE;
        }
        if (err != 0)
            return err;
    }
    if (optind != argc - 1)
        return refuse("one PLUGIN.so is to be named; --help tells more", "", "");
    self->path = argv[optind];
    return 0;
}

static bool is_chosen(const struct selftest *self, const char *name)
{
    return !self->only || strcmp(self->only, name) == 0;
}

static void test_codec(struct selftest *self, const struct weft_codec *codec)
{
    if (!is_chosen(self, codec->name))
        return;
    self->suites++;
    self->failed += weft_codec_suite_run(&(struct weft_codec_suite){
        .codec = codec,
        .query = self->query,
        .text = self->text,
        .delimited = self->delimited,
        .ends_at_eof = self->ends_at_eof,
    });
}

static void test_service(struct selftest *self, const struct weft_service *service)
{
    if (!is_chosen(self, service->name))
        return;
    self->suites++;
    self->failed += weft_service_suite_run(&(struct weft_service_suite){
        .service = service,
        .query = self->query,
        .samples = self->samples,
        .sample_count = self->sample_count,
    });
}

static void test_layer(struct selftest *self, const struct weft_layer *layer)
{
    if (!is_chosen(self, layer->name))
        return;
    self->suites++;
    self->failed +=
        weft_layer_suite_run(&(struct weft_layer_suite){.layer = layer, .query = self->query});
}

static bool has_option(const struct weft_option *option, const char *name, size_t size)
{
    for (; option && option->name; option++)
        if (strlen(option->name) == size && memcmp(option->name, name, size) == 0)
            return true;
    return false;
}

static bool is_declared(const struct weft_plugin *plugin, const char *name, size_t size)
{
    for (size_t i = 0; plugin->codecs && plugin->codecs[i]; i++)
        if (has_option(plugin->codecs[i]->options, name, size))
            return true;
    for (size_t i = 0; plugin->services && plugin->services[i]; i++)
        if (has_option(plugin->services[i]->options, name, size))
            return true;
    for (size_t i = 0; plugin->layers && plugin->layers[i]; i++)
        if (has_option(plugin->layers[i]->options, name, size))
            return true;
    return false;
}

/* Returns the first option of the query that nothing of the plugin declares, as kvs would refuse it, or
 * NULL. */
static const char *undeclared(const struct selftest *self, const struct weft_plugin *plugin)
{
    for (const char *at = self->query; at && *at;) {
        if (!is_declared(plugin, at, strcspn(at, "=&")))
            return at;
        at += strcspn(at, "&");
        at += *at == '&';
    }
    return NULL;
}

static int run(struct selftest *self)
{
    struct weft_registry registry = {0};
    struct weft_error error = {0};
    const struct weft_plugin *plugin = weft_plugin_load(&registry, self->path, &error);
    if (!plugin)
        return refuse(error.text, "", "");
    const char *unknown = undeclared(self, plugin);
    if (unknown)
        return refuse(self->path, ": it declares no option as in --options ", unknown);
    for (size_t i = 0; plugin->codecs && plugin->codecs[i]; i++)
        test_codec(self, plugin->codecs[i]);
    for (size_t i = 0; plugin->services && plugin->services[i]; i++)
        test_service(self, plugin->services[i]);
    for (size_t i = 0; plugin->layers && plugin->layers[i]; i++)
        test_layer(self, plugin->layers[i]);
    if (self->suites == 0 && self->only)
        return refuse(self->path, ": nothing of it is named ", self->only);
    if (self->suites == 0)
        return refuse(self->path, ": it offers no codec, service or layer", "");
    printf("weft-selftest: %s: %d suite%s, %d test%s failed\n", plugin->name, self->suites,
           self->suites == 1 ? "" : "s", self->failed, self->failed == 1 ? "" : "s");
    return self->failed > 0;
}

int main(int argc, char **argv)
{
    struct selftest self = {0};
    int code = read_options(&self, argc, argv);
    if (code == 0)
        code = run(&self);
    for (size_t i = 0; i < self.sample_count; i++)
        free((void *)(uintptr_t)self.samples[i].data);
    if (code < 0)
        code = 0; /* help or version was all that was wanted */
    return fflush(stdout) != 0 && code == 0 ? 1 : code;
}
