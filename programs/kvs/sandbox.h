/* SPDX-License-Identifier: MIT
 *
 * The sandbox of a server: what a process that was taken over could still do. It can gain no privileges, make
 * only the system calls that a serving kvs needs (seccomp, where the build found libseccomp), and reach only
 * the folders that its stores, sockets and files need (landlock, where the kernel has it). */
#ifndef KVS_SANDBOX_H
#define KVS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/log.h"

enum { KVS_SANDBOX_PATHS = 64, KVS_SANDBOX_PATH = 512 };

/* The folders that are needed beside those that every process reads (/etc, /usr, /lib, /proc, /sys/devices,
 * /dev/null and /dev/urandom). */
struct kvs_sandbox {
    size_t count;
    bool connects; /* it opens connections of its own, to other servers */
    bool listens;  /* it opens listening sockets later: a reload may add endpoints */
    bool alone;    /* the calling thread alone is confined, and those that it starts */
    struct kvs_sandbox_path {
        char path[KVS_SANDBOX_PATH];
        bool writes;
    } paths[KVS_SANDBOX_PATHS];
};

/* Adds a folder, or the folder of a file: a file that is replaced by a rename is another one afterwards. One that
 * is not there, is too long or is one too many is left out. */
void kvs_sandbox_folder(struct kvs_sandbox *sandbox, const char *path, bool writes);
void kvs_sandbox_folder_of(struct kvs_sandbox *sandbox, const char *file, bool writes);
/* Adds the folders of the files that an option names, as in "a.pem,keys/b.pem", for reading. Other words of the list
 * are left out. */
void kvs_sandbox_folders_of(struct kvs_sandbox *sandbox, const char *list);

/* Confines the process for good: the system calls of all its threads (unless this one is to be `alone`), and the files
 * of this thread and of those that it starts from now on. Call it before the loops' threads start. What the kernel or the build lacks is left
 * out; one line of the log says what is in force. Returns 0; or the error of a step that should have worked, and
 * the process must end. */
WEFT_MUST_USE int kvs_sandbox_enter(const struct kvs_sandbox *sandbox, const struct weft_log *log,
                                    struct weft_error *error);

#endif
