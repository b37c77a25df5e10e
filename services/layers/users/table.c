/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "secret.h"

struct reader {
    struct users_table *table;
    const char *path;
    unsigned line;
    size_t rules; /* used */
    struct weft_error *error;
};

/* The words of a line are shown up to this size; a hash is not shown at all. */
#define SHOWN "'%.40s'"

static bool is_name(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-@");
    return size > 0 && size <= USERS_NAME_MAX && !text[size];
}

static int fail(const struct reader *reader, const char *what, const char *word)
{
    return weft_error_set(reader->error, WEFT_ECONFIG, "%s:%u: " SHOWN " %s", reader->path,
                          reader->line, word, what);
}

static int read_rule(struct reader *reader, struct users_entry *user, char *word)
{
    static const struct {
        const char *name;
        unsigned what;
    } kinds[] = {{"read", USERS_READ},
                 {"write", USERS_READ | USERS_WRITE},
                 {"subscribe", USERS_SUBSCRIBE},
                 {"admin", USERS_ADMIN}};
    char *colon = strchr(word, ':');
    size_t size = colon ? (size_t)(colon - word) : strlen(word);
    struct users_rule *rule = &reader->table->rules[reader->rules];
    rule->glob = colon ? colon + 1 : "*";
    rule->what = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i].name) == size && memcmp(kinds[i].name, word, size) == 0)
            rule->what = kinds[i].what;
    if (rule->what == 0)
        return fail(reader, "is no rule; there are read:GLOB, write:GLOB, subscribe:GLOB and admin",
                    word);
    if (rule->what == USERS_ADMIN && colon)
        return fail(reader, "has a GLOB, but admin takes none", word);
    if (!*rule->glob)
        return fail(reader, "has no GLOB behind the colon", word);
    if (strcmp(rule->glob, "*") == 0)
        user->everywhere |= rule->what;
    reader->rules++;
    user->rule_count++;
    return 0;
}

static int read_proof(struct reader *reader, struct users_entry *user, char *word)
{
    char *end;
    if (strncmp(word, "cert:", 5) == 0) {
        user->kind = USERS_CERTIFICATE;
        user->proof = word + 5;
        return *user->proof ? 0 : fail(reader, "has no common name", word);
    }
    if (strncmp(word, "uid:", 4) == 0) {
        user->kind = USERS_UID;
        user->proof = word + 4;
        errno = 0;
        user->uid = strtoll(user->proof, &end, 10);
        return *user->proof >= '0' && *user->proof <= '9' && !*end && errno == 0 &&
                       user->uid < UINT32_MAX
                   ? 0
                   : fail(reader, "is no number of a user", word);
    }
    user->kind = USERS_SECRET;
    user->proof = word;
    if (!users_secret_is_hash(word))
        return weft_error_set(reader->error, WEFT_ECONFIG,
                              "%s:%u: the hash of user " SHOWN
                              " is none that may be used; 'kvs --hash-password' makes one, and "
                              "there are cert:CN and uid:N",
                              reader->path, reader->line, user->name);
    reader->table->setting = word;
    return 0;
}

static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t\r");
    size_t size = strcspn(word, " \t\r");
    if (size == 0)
        return NULL;
    *at = word + size + (word[size] != '\0');
    word[size] = '\0';
    return word;
}

static int read_line(struct reader *reader, char *at)
{
    struct users_table *table = reader->table;
    struct users_entry *user = &table->entries[table->count];
    char *word = next_word(&at);
    if (!word || *word == '#')
        return 0;
    if (!is_name(word))
        return fail(reader, "is no name: it takes 1 to 64 letters, digits, _, - and @", word);
    *user = (struct users_entry){
        .name = word, .rules = &table->rules[reader->rules], .line = reader->line};
    word = next_word(&at);
    if (!word)
        return fail(reader, "has no hash, cert:CN or uid:N", user->name);
    int err = read_proof(reader, user, word);
    while (err == 0 && (word = next_word(&at)) && *word != '#')
        err = read_rule(reader, user, word);
    table->count += err == 0;
    return err;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct users_entry *)a)->name, ((const struct users_entry *)b)->name);
}

/* Two users of one certificate or uid would be told apart by nothing. */
static bool are_alike(const struct users_entry *a, const struct users_entry *b)
{
    return a->kind == b->kind && a->kind != USERS_SECRET &&
           (a->kind == USERS_UID ? a->uid == b->uid : strcmp(a->proof, b->proof) == 0);
}

static int check_twins(const struct reader *reader)
{
    const struct users_table *table = reader->table;
    for (size_t i = 0; i < table->count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct users_entry *a = &table->entries[i], *b = &table->entries[k];
            bool same = strcmp(a->name, b->name) == 0;
            const struct users_entry *later = a->line > b->line ? a : b;
            if (same || are_alike(a, b))
                return weft_error_set(reader->error, WEFT_ECONFIG,
                                      "%s:%u: user " SHOWN " has %s line %u already", reader->path,
                                      later->line, later->name, same ? "a" : "what is proven in",
                                      later == a ? b->line : a->line);
        }
    return 0;
}

static int read_lines(struct reader *reader, size_t size)
{
    struct users_table *table = reader->table;
    char *at = table->text, *end = at + size;
    while (at < end) {
        char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            stop = end;
        *stop = '\0';
        reader->line++;
        if (strlen(at) != (size_t)(stop - at))
            return weft_error_set(reader->error, WEFT_ECONFIG, "%s:%u: there is a NUL in it",
                                  reader->path, reader->line);
        int err = read_line(reader, at);
        if (err < 0)
            return err;
        at = stop + 1;
    }
    return check_twins(reader);
}

int users_table_parse(struct users_table **into, char *text, size_t size, const char *path,
                      struct weft_error *error)
{
    size_t lines = 1, words = 1;
    for (size_t i = 0; i < size; i++) {
        lines += text[i] == '\n';
        words += strchr(" \t\r\n", text[i]) != NULL;
    }
    struct users_table *table = weft_calloc(1, sizeof *table);
    if (table) {
        table->entries = weft_calloc(lines, sizeof *table->entries);
        table->rules = weft_calloc(words, sizeof *table->rules);
    }
    if (!table || !table->entries || !table->rules) {
        users_table_unref(table);
        return weft_error_set(error, -ENOMEM, "%s: out of memory", path);
    }
    table->text = text;
    table->size = size;
    struct reader reader = {.table = table, .path = path, .error = error};
    int err = read_lines(&reader, size);
    if (err < 0) {
        table->text = NULL; /* the caller's */
        users_table_unref(table);
        return err;
    }
    qsort(table->entries, table->count, sizeof *table->entries, compare);
    atomic_init(&table->references, 1);
    *into = table;
    return 0;
}

/* Reads all of the file. Returns its size, and text[size] is a NUL; or -errno. */
static ssize_t read_all(int fd, char **text)
{
    struct stat stat;
    size_t size = 0;
    ssize_t n = 1;
    if (fstat(fd, &stat) < 0)
        return -errno;
    if (!S_ISREG(stat.st_mode))
        return S_ISDIR(stat.st_mode) ? -EISDIR : -EINVAL;
    if (stat.st_size > USERS_FILE_MAX)
        return -EFBIG;
    size_t room = (size_t)stat.st_size;
    *text = weft_malloc(room + 1);
    if (!*text)
        return -ENOMEM;
    while (size < room && (n = read(fd, *text + size, room - size)) > 0)
        size += (size_t)n;
    if (n < 0) {
        n = -errno;
        weft_free(*text);
        return n;
    }
    (*text)[size] = '\0';
    return (ssize_t)size;
}

int users_table_read(struct users_table **table, const char *path, struct weft_error *error)
{
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t size = fd < 0 ? -errno : read_all(fd, &text);
    if (fd >= 0)
        (void)close(fd);
    if (size < 0)
        return weft_error_set(error, (int)size, "%s: %s", path, weft_strerror((int)size));
    int err = users_table_parse(table, text, (size_t)size, path, error);
    if (err < 0)
        weft_free(text);
    return err;
}

struct users_table *users_table_ref(struct users_table *table)
{
    atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
    return table;
}

/* One that is not whole has no references and goes at once. */
void users_table_unref(struct users_table *table)
{
    if (!table || atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) > 1)
        return;
    weft_free(table->entries);
    weft_free(table->rules);
    weft_free(table->text);
    weft_free(table);
}

const struct users_entry *users_table_find(const struct users_table *table, struct weft_view name)
{
    char text[USERS_NAME_MAX + 1];
    struct users_entry key = {.name = text};
    if (name.size == 0 || name.size > USERS_NAME_MAX || memchr(name.data, 0, name.size))
        return NULL;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    return bsearch(&key, table->entries, table->count, sizeof key, compare);
}

const struct users_entry *users_table_find_certificate(const struct users_table *table,
                                                       const char *common_name)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->entries[i].kind == USERS_CERTIFICATE &&
            strcmp(table->entries[i].proof, common_name) == 0)
            return &table->entries[i];
    return NULL;
}

const struct users_entry *users_table_find_uid(const struct users_table *table, int64_t uid)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->entries[i].kind == USERS_UID && table->entries[i].uid == uid)
            return &table->entries[i];
    return NULL;
}
