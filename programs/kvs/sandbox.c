/* SPDX-License-Identifier: MIT */
#include "sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sandbox_private.h"

void kvs_sandbox_folder(struct kvs_sandbox *sandbox, const char *path, bool writes)
{
    if (sandbox->count == KVS_SANDBOX_PATHS || strlen(path) >= KVS_SANDBOX_PATH)
        return;
    struct kvs_sandbox_path *entry = &sandbox->paths[sandbox->count++];
    strcpy(entry->path, path);
    entry->writes = writes;
}

void kvs_sandbox_folder_of(struct kvs_sandbox *sandbox, const char *file, bool writes)
{
    char folder[KVS_SANDBOX_PATH];
    const char *slash = strrchr(file, '/');
    size_t size = slash ? (size_t)(slash - file) : 0;
    if (size >= sizeof folder)
        return;
    memcpy(folder, file, size);
    folder[size] = '\0';
    kvs_sandbox_folder(sandbox, !slash ? "." : size == 0 ? "/" : folder, writes);
}

void kvs_sandbox_folders_of(struct kvs_sandbox *sandbox, const char *list)
{
    char path[KVS_SANDBOX_PATH];
    for (; *list; list += *list == ',') {
        size_t size = strcspn(list, ",");
        if (size > 0 && size < sizeof path) {
            memcpy(path, list, size);
            path[size] = '\0';
            if (strchr(path, '/') || access(path, F_OK) == 0)
                kvs_sandbox_folder_of(sandbox, path, false);
        }
        list += size;
    }
}

int kvs_sandbox_enter(const struct kvs_sandbox *sandbox, const struct weft_log *log,
                      struct weft_error *error)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return weft_error_set(error, -errno, "sandbox: %s; --no-sandbox starts without",
                              weft_strerror(-errno));
    int landlock = kvs__landlock_enter(sandbox);
    int seccomp = landlock < 0 ? landlock : kvs__seccomp_enter(sandbox);
    if (seccomp < 0)
        return weft_error_set(error, seccomp, "sandbox: %s: %s; --no-sandbox starts without",
                              landlock < 0 ? "landlock" : "seccomp", weft_strerror(seccomp));
    char version[16];
    (void)snprintf(version, sizeof version, "%d", landlock);
    weft_log_write(log, WEFT_LOG_INFO, "sandbox", "new-privileges=no system-calls=%s%s files=%s%s",
                   seccomp > 0 ? "seccomp" : "all",
                   seccomp > 0 && sandbox->listens ? ",listen" : "",
                   landlock > 0 ? "landlock-" : "all", landlock > 0 ? version : "");
    return 0;
}
