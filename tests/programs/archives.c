/* SPDX-License-Identifier: MIT */
#include "archives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fnmatch.h>

/* The names of this project: these must be defined in an archive that may be known. */
static const char *const house[] = {"weft_*", "kv_*",    "kvs_*",     "kvc_*",   "cli_*", "echo_*",
                                    "abi_*",  "users_*", "metrics_*", "admin_*", NULL};

struct archive archives[ARCHIVE_COUNT] = {
    [BASE] = {.path = ARCHIVE_BASE},
    [CORE] = {.path = ARCHIVE_CORE},
    [TRANSPORTS] = {.path = ARCHIVE_TRANSPORTS},
    [YAMUX] = {.path = ARCHIVE_YAMUX},
#ifdef ARCHIVE_TLS
    [TLS] = {.path = ARCHIVE_TLS},
#endif
#ifdef ARCHIVE_WEBSOCKET
    [WEBSOCKET] = {.path = ARCHIVE_WEBSOCKET},
#endif
    [CODECS] = {.path = ARCHIVE_CODECS},
    [ECHO] = {.path = ARCHIVE_ECHO},
    [ACCESS] = {.path = ARCHIVE_ACCESS},
    [ADMIN] = {.path = ARCHIVE_ADMIN},
    [METRICS] = {.path = ARCHIVE_METRICS},
    [USERS] = {.path = ARCHIVE_USERS},
    [PAYLOAD] = {.path = ARCHIVE_PAYLOAD},
    [RPC] = {.path = ARCHIVE_RPC},
    [KV_UPDATE] = {.path = ARCHIVE_KV_UPDATE},
    [KV] = {.path = ARCHIVE_KV},
    [KV_ABI] = {.path = ARCHIVE_KV_ABI},
    [KV_FACES] = {.path = ARCHIVE_KV_FACES},
    [KV_TRAIL] = {.path = ARCHIVE_KV_TRAIL},
    [KV_MEMORY] = {.path = ARCHIVE_KV_MEMORY},
    [KV_PARTS] = {.path = ARCHIVE_KV_PARTS},
    [KV_LMDB] = {.path = ARCHIVE_KV_LMDB},
    [KV_RECORDS] = {.path = ARCHIVE_KV_RECORDS},
    [KV_JOURNAL] = {.path = ARCHIVE_KV_JOURNAL},
    [KV_ROCKSDB] = {.path = ARCHIVE_KV_ROCKSDB},
#ifdef ARCHIVE_KV_REDIS
    [KV_REDIS] = {.path = ARCHIVE_KV_REDIS},
    [KV_REDIS_STORE] = {.path = ARCHIVE_KV_REDIS_STORE},
#endif
    [KV_CLIENT] = {.path = ARCHIVE_KV_CLIENT},
    [PROGRAMS_LIB] = {.path = ARCHIVE_PROGRAMS_LIB},
    [KVS_SERVICE] = {.path = ARCHIVE_KVS_SERVICE},
    [KVS] = {.path = ARCHIVE_KVS},
    [KVC] = {.path = ARCHIVE_KVC},
};

/* A line that begins an object file: "path/libweft_core.a[conn.c.o]:". */
static bool begins_file(struct archive *archive, const char *line)
{
    const char *name = strrchr(line, '[');
    const char *end = name ? strstr(name, ".c.o]:") : NULL;

    if (!end || archive->file_count >= FILES)
        return false;
    snprintf(archive->files[archive->file_count++], sizeof archive->files[0], "%.*s",
             (int)(end - name - 1), name + 1);
    return true;
}

static int load(struct archive *archive)
{
    char command[1024], line[1024];
    struct symbol symbol = {0};
    snprintf(command, sizeof command, "nm -P '%s'", archive->path);
    FILE *nm = popen(command, "r");
    if (!nm)
        return -1;
    while (fgets(line, sizeof line, nm)) {
        if (begins_file(archive, line))
            continue;
        symbol.file = archive->file_count;
        if (sscanf(line, "%127s %c", symbol.name, &symbol.type) != 2 ||
            !strchr("UTDBRVWC", symbol.type))
            continue;
        struct symbol *more =
            realloc(archive->symbols, (archive->count + 1) * sizeof *archive->symbols);
        if (!more)
            break;
        archive->symbols = more;
        archive->symbols[archive->count++] = symbol;
    }
    return pclose(nm) == 0 && archive->count > 0 ? 0 : -1;
}

int load_all(void **state)
{
    (void)state;
    for (int i = 0; i < ARCHIVE_COUNT; i++)
        if (archives[i].path && load(&archives[i]) < 0)
            return -1;
    return 0;
}

int free_all(void **state)
{
    (void)state;
    for (int i = 0; i < ARCHIVE_COUNT; i++)
        free(archives[i].symbols);
    return 0;
}

static bool matches(const char *name, const char *const *patterns)
{
    for (; *patterns; patterns++)
        if (fnmatch(*patterns, name, 0) == 0)
            return true;
    return false;
}

static bool defines(const struct archive *archive, const char *name)
{
    for (size_t i = 0; i < archive->count; i++)
        if (archive->symbols[i].type != 'U' && strcmp(archive->symbols[i].name, name) == 0)
            return true;
    return false;
}

bool needs(const struct archive *archive, const char *const *patterns)
{
    for (size_t i = 0; i < archive->count; i++)
        if (archive->symbols[i].type == 'U' && matches(archive->symbols[i].name, patterns))
            return true;
    return false;
}

void needs_nothing_above(int which, unsigned below, const char *const *beside)
{
    const struct archive *archive = &archives[which];
    for (size_t i = 0; i < archive->count; i++) {
        const char *name = archive->symbols[i].name;
        if (archive->symbols[i].type != 'U' || !matches(name, house))
            continue;
        bool found = defines(archive, name) || (beside && matches(name, beside));
        for (int other = 0; other < ARCHIVE_COUNT; other++)
            if (below & 1u << other)
                found = found || defines(&archives[other], name);
        if (!found)
            fail_msg("%s needs %s, which nothing it may know defines", archive->path, name);
    }
}

void needs_none_of(int which, const char *const *patterns)
{
    const struct archive *archive = &archives[which];
    for (size_t i = 0; i < archive->count; i++)
        if (archive->symbols[i].type == 'U' && matches(archive->symbols[i].name, patterns))
            fail_msg("%s needs %s, which it must not know", archive->path,
                     archive->symbols[i].name);
}

/* Marks the files of an archive that `from` needs, directly or through others. */
static void mark_needed(const struct archive *archive, size_t from, bool marked[FILES + 1])
{
    for (size_t i = 0; i < archive->count; i++) {
        const struct symbol *needed = &archive->symbols[i];
        if (needed->file != from || needed->type != 'U')
            continue;
        for (size_t k = 0; k < archive->count; k++) {
            const struct symbol *defined = &archive->symbols[k];
            if (defined->type == 'U' || marked[defined->file] ||
                strcmp(defined->name, needed->name) != 0)
                continue;
            marked[defined->file] = true;
            mark_needed(archive, defined->file, marked);
        }
    }
}

void has_no_ring(int which)
{
    const struct archive *archive = &archives[which];

    if (!archive->path)
        return; /* it was not built */
    assert_true(archive->file_count > 0);
    for (size_t file = 1; file <= archive->file_count; file++) {
        bool marked[FILES + 1] = {false};
        mark_needed(archive, file, marked);
        if (marked[file])
            fail_msg("%s: %s.c is in a ring of files that call each other", archive->path,
                     archive->files[file - 1]);
    }
}
