/* SPDX-License-Identifier: MIT */
#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

struct cli_text {
    struct cli_text *next;
    char text[];
};

struct reading {
    struct cli_texts *texts;
    int (*take)(void *arg, const struct cli_setting *setting, struct weft_error *error);
    void *arg;
    struct weft_error *error;
};

/* A file that is being read, and the one that includes it. */
struct source {
    const struct source *by;
    const char *path;
    unsigned depth, line;
    dev_t device;
    ino_t inode;
};

static char *new_text(struct cli_texts *texts, size_t size)
{
    struct cli_text *text = weft_malloc(sizeof *text + size + 1);
    if (!text)
        return NULL;
    text->next = texts->first;
    texts->first = text;
    text->text[size] = '\0';
    return text->text;
}

char *cli_texts_copy(struct cli_texts *texts, const char *text, size_t size)
{
    char *copy = new_text(texts, size);
    if (copy)
        memcpy(copy, text, size);
    return copy;
}

void cli_texts_free(struct cli_texts *texts)
{
    while (texts->first) {
        struct cli_text *text = texts->first;
        texts->first = text->next;
        weft_free(text);
    }
}

static int refuse(const struct source *source, int err, const char *text, struct weft_error *error)
{
    return weft_error_set(error, err, "%s:%u: %s", source->path, source->line, text);
}

static int refuse_file(const struct source *source, int err, struct weft_error *error)
{
    if (!source->by)
        return weft_error_set(error, err, "%s: %s", source->path, weft_strerror(err));
    return weft_error_set(error, err, "%s:%u: include %s: %s", source->by->path, source->by->line,
                          source->path, weft_strerror(err));
}

static bool includes_itself(const struct source *source)
{
    for (const struct source *at = source->by; at; at = at->by) {
        if (at->device == source->device && at->inode == source->inode)
            return true;
    }
    return false;
}

/* Reads a whole file into a text of its own. */
static int load_open(struct source *source, int fd, char **text, struct reading *reading)
{
    struct stat stat;
    size_t used = 0;
    ssize_t n;
    if (fstat(fd, &stat) < 0)
        return refuse_file(source, -errno, reading->error);
    source->device = stat.st_dev;
    source->inode = stat.st_ino;
    if (S_ISDIR(stat.st_mode))
        return refuse_file(source, -EISDIR, reading->error);
    if (includes_itself(source))
        return refuse(source->by, WEFT_ECONFIG, "this include includes itself", reading->error);
    size_t room = S_ISREG(stat.st_mode) && stat.st_size < CLI_FILE_MAX ? (size_t)stat.st_size + 1
                                                                       : CLI_FILE_MAX + 1;
    *text = new_text(reading->texts, room);
    if (!*text)
        return refuse_file(source, -ENOMEM, reading->error);
    while (used < room && (n = read(fd, *text + used, room - used)) != 0) {
        if (n < 0 && errno != EINTR)
            return refuse_file(source, -errno, reading->error);
        used += n > 0 ? (size_t)n : 0;
    }
    (*text)[used] = '\0';
    if (used > CLI_FILE_MAX)
        return refuse_file(source, -EFBIG, reading->error);
    if (strlen(*text) < used)
        return weft_error_set(reading->error, WEFT_ECONFIG,
                              "%s: has a NUL byte, so it is no configuration file", source->path);
    return 0;
}

static int load(struct source *source, char **text, struct reading *reading)
{
    int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return refuse_file(source, -errno, reading->error);
    int err = load_open(source, fd, text, reading);
    close(fd);
    return err;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Ends a line where its comment begins, or behind its last word. */
static void strip(char *line)
{
    for (char *at = line; *at; at++) {
        if (*at == '#' && (at == line || is_space(at[-1])))
            *at = '\0';
        if (*at == '\0')
            break;
    }
    size_t size = strlen(line);
    while (size > 0 && is_space(line[size - 1]))
        line[--size] = '\0';
}

/* Parts a line behind its name. Returns the value, or NULL if there is none. */
static char *value_of(char *name)
{
    char *at = name + strcspn(name, " \t");
    if (*at == '\0')
        return NULL;
    *at++ = '\0';
    return at + strspn(at, " \t");
}

static int read_file(struct reading *reading, struct source *source);

static int include_one(struct reading *reading, const struct source *by, const char *path)
{
    struct source source = {.by = by, .depth = by->depth + 1};
    if (source.depth > CLI_INCLUDE_MAX)
        return refuse(by, WEFT_ECONFIG, "include: more than 8 deep", reading->error);
    source.path = cli_texts_copy(reading->texts, path, strlen(path));
    if (!source.path)
        return refuse(by, -ENOMEM, weft_strerror(-ENOMEM), reading->error);
    return read_file(reading, &source);
}

static int include_all(struct reading *reading, const struct source *by, const char *pattern)
{
    glob_t found = {0};
    int err = glob(pattern, 0, NULL, &found);
    if (err == GLOB_NOSPACE)
        return refuse(by, -ENOMEM, weft_strerror(-ENOMEM), reading->error);
    err = 0;
    for (size_t i = 0; err == 0 && i < found.gl_pathc; i++)
        err = include_one(reading, by, found.gl_pathv[i]);
    globfree(&found);
    return err;
}

static int include(struct reading *reading, const struct source *by, const char *value)
{
    const char *slash = strrchr(by->path, '/');
    size_t folder = slash && value && *value != '/' ? (size_t)(slash + 1 - by->path) : 0;
    if (!value)
        return refuse(by, WEFT_ECONFIG, "include: needs a file", reading->error);
    char *path = new_text(reading->texts, folder + strlen(value));
    if (!path)
        return refuse(by, -ENOMEM, weft_strerror(-ENOMEM), reading->error);
    memcpy(path, by->path, folder);
    memcpy(path + folder, value, strlen(value));
    return strpbrk(value, "*?[") ? include_all(reading, by, path) : include_one(reading, by, path);
}

/* Adds an indented line to the URL of the setting before it. */
static int add_option(struct reading *reading, const struct source *source,
                      struct cli_setting *setting, char *name)
{
    const char *value = value_of(name);
    if (!setting->name || strcmp(setting->name, "listen") != 0 || !setting->value)
        return refuse(source, WEFT_ECONFIG, "an indented line, but none of a listen",
                      reading->error);
    if (strpbrk(name, "?&=") || (value && strpbrk(value, "&")))
        return refuse(source, WEFT_ECONFIG,
                      "an option of an endpoint is `name value`, without ?&=", reading->error);
    const char *parts[] = {setting->value,
                           !strchr(setting->value, '?')                        ? "?"
                           : setting->value[strlen(setting->value) - 1] == '?' ? ""
                                                                               : "&",
                           name, value ? "=" : "", value ? value : ""};
    size_t size = 0, used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        size += strlen(parts[i]);
    char *url = new_text(reading->texts, size);
    if (!url)
        return refuse(source, -ENOMEM, weft_strerror(-ENOMEM), reading->error);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        memcpy(url + used, parts[i], strlen(parts[i]));
        used += strlen(parts[i]);
    }
    setting->value = url;
    return 0;
}

/* Hands over the setting that was read, now that no indented line can follow it. */
static int give(struct reading *reading, const struct source *source, struct cli_setting *setting)
{
    struct weft_error refused = {0};
    struct source at = *source;
    const struct cli_setting given = *setting;
    *setting = (struct cli_setting){0};
    if (!given.name)
        return 0;
    at.line = given.line;
    if (strcmp(given.name, "include") == 0)
        return include(reading, &at, given.value);
    int err = reading->take(reading->arg, &given, &refused);
    return err < 0 ? refuse(&at, err, refused.text, reading->error) : 0;
}

static int read_line(struct reading *reading, struct source *source, struct cli_setting *setting,
                     char *line)
{
    bool indented = is_space(*line);
    strip(line);
    line += strspn(line, " \t");
    if (*line == '\0')
        return 0;
    if (indented)
        return add_option(reading, source, setting, line);
    int err = give(reading, source, setting);
    if (err < 0)
        return err;
    *setting = (struct cli_setting){
        .name = line, .value = value_of(line), .file = source->path, .line = source->line};
    return 0;
}

static int read_file(struct reading *reading, struct source *source)
{
    struct cli_setting setting = {0};
    char *text = NULL, *next;
    int err = load(source, &text, reading);
    for (; err == 0 && text; text = next) {
        next = strchr(text, '\n');
        if (next)
            *next++ = '\0';
        source->line++;
        err = read_line(reading, source, &setting, text);
    }
    return err < 0 ? err : give(reading, source, &setting);
}

int cli_config_read(struct cli_texts *texts, const char *path,
                    int (*take)(void *arg, const struct cli_setting *setting,
                                struct weft_error *error),
                    void *arg, struct weft_error *error)
{
    struct reading reading = {texts, take, arg, error};
    struct source source = {.path = cli_texts_copy(texts, path, strlen(path))};
    if (!source.path)
        return weft_error_set(error, -ENOMEM, "%s: %s", path, weft_strerror(-ENOMEM));
    return read_file(&reading, &source);
}
