/* SPDX-License-Identifier: MIT
 *
 * A shared object is checked from the outside in: the file, its symbol, the record's magic, the ABI's
 * number, the sizes of structs. Only then is anything else of the record read. */
#include "core/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *tag;
    uint32_t size;
} structs[] = {
#define X(tag) {#tag, sizeof(struct tag)},
    WEFT_PLUGIN_STRUCTS(X)
#undef X
};

enum { STRUCT_COUNT = sizeof structs / sizeof *structs };

/* dlopen words a file that is missing like one that it does not understand, and searches folders for
 * a name without a slash. */
static int check_file(const char *path, struct weft_error *error)
{
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int err = fd < 0 || fstat(fd, &file) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (err < 0)
        return weft_error_set(error, WEFT_ECONFIG, "plugin '%.200s': %s", path, weft_strerror(err));
    if (!S_ISREG(file.st_mode))
        return weft_error_set(error, WEFT_ECONFIG, "plugin '%.200s' is no file", path);
    return 0;
}

static int refuse_abi(const char *path, struct weft_error *error, const char *how)
{
    return weft_error_set(error, WEFT_ECONFIG,
                          "plugin '%.200s' was made with another weft: %s; build it again", path,
                          how);
}

static int check_record(const struct weft_plugin *plugin, const char *path,
                        struct weft_error *error)
{
    char how[160];
    if (memcmp(plugin->magic, WEFT_PLUGIN_MAGIC, sizeof plugin->magic) != 0)
        return weft_error_set(error, WEFT_ECONFIG,
                              "plugin '%.200s': its weft_plugin is not made by WEFT_PLUGIN", path);
    if (plugin->abi != WEFT_PLUGIN_ABI) {
        snprintf(how, sizeof how, "its ABI is %u, here %d", plugin->abi, WEFT_PLUGIN_ABI);
        return refuse_abi(path, error, how);
    }
    if (plugin->size_count != STRUCT_COUNT) {
        snprintf(how, sizeof how, "it counts %u structs, here %d", plugin->size_count,
                 STRUCT_COUNT);
        return refuse_abi(path, error, how);
    }
    for (size_t i = 0; i < STRUCT_COUNT; i++) {
        if (plugin->sizes[i] != structs[i].size) {
            snprintf(how, sizeof how, "its struct %s has %u bytes, here %u", structs[i].tag,
                     plugin->sizes[i], structs[i].size);
            return refuse_abi(path, error, how);
        }
    }
    return 0;
}

/* Adds what the object lists; a refusal's words get the path before them. */
static int add_all(struct weft_registry *registry, const struct weft_plugin *plugin,
                   const char *path, struct weft_error *error)
{
    const struct weft_plugins plugins = {
        .transports = plugin->transports,
        .codecs = plugin->codecs,
        .services = plugin->services,
        .layers = plugin->layers,
    };
    struct weft_error why;
    if (weft_registry_add_all(registry, &plugins, &why) == 0)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "plugin '%.200s': %s", path, why.text);
}

const struct weft_plugin *weft_plugin_load(struct weft_registry *registry, const char *path,
                                           struct weft_error *error)
{
    char local[PATH_MAX];
    const char *slash = strchr(path, '/');
    int n = snprintf(local, sizeof local, "%s%s", slash ? "" : "./", path);
    if (n < 0 || (size_t)n >= sizeof local) {
        weft_error_set(error, WEFT_ECONFIG, "plugin '%.200s...': %s", path,
                       weft_strerror(-ENAMETOOLONG));
        return NULL;
    }
    if (check_file(local, error) < 0)
        return NULL;
    void *object = dlopen(local, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        weft_error_set(error, WEFT_ECONFIG, "plugin: %s", dlerror());
        return NULL;
    }
    const struct weft_plugin *plugin = dlsym(object, "weft_plugin");
    if (!plugin) {
        weft_error_set(error, WEFT_ECONFIG, "plugin '%.200s' has no symbol weft_plugin", path);
        return NULL;
    }
    if (check_record(plugin, path, error) < 0 || add_all(registry, plugin, path, error) < 0)
        return NULL;
    return plugin;
}
