/* SPDX-License-Identifier: MIT */
#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "append.h"
#include "core/base/blob.h"
#include "core/base/mem.h"

/* The page may load only what lies beside it and talk only to where it came from. Nothing may frame it. */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src "
                             "'self' data:; connect-src 'self'; "
                             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".json", "application/json"},
};

static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i].suffix) == 0)
            return types[i].type;
    return NULL;
}

static int refuse(struct weft_error *error, const char *path, const char *why)
{
    return weft_error_set(error, WEFT_ECONFIG, "cannot serve page %s: %s", path, why);
}

/* Reads the whole of fd into file->blob. */
static int read_all(struct weft__ws_file *file, int fd, const char *path, struct weft_error *error)
{
    struct stat status;
    uint8_t *data;
    size_t have = 0;

    if (fstat(fd, &status) < 0)
        return refuse(error, path, weft_strerror(-errno));
    if (!S_ISREG(status.st_mode))
        return refuse(error, path, "it is not a file");
    if (status.st_size > WEFT__WS_PAGE_MAX)
        return refuse(error, path, "it is larger than 1 MiB");
    size_t size = (size_t)status.st_size;
    file->blob = weft_blob_new(size, &data);
    if (!file->blob)
        return weft_error_set(error, -ENOMEM, "no memory for page %s", path);
    while (have < size) {
        ssize_t n = read(fd, data + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return refuse(error, path, n < 0 ? weft_strerror(-errno) : "it is getting shorter");
        have += (size_t)n;
    }
    return 0;
}

static int read_file(struct weft__ws_file *file, const char *path, struct weft_error *error)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    file->type = type_of(name);
    if (!file->type)
        return refuse(error, path,
                      "its name ends with none of .html .js .mjs .css .svg .png .ico .json");
    if (strlen(name) >= sizeof file->name)
        return refuse(error, path, "its name is longer than 63 bytes");
    memcpy(file->name, name, strlen(name) + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse(error, path, weft_strerror(-errno));
    int err = read_all(file, fd, path, error);
    close(fd);
    return err;
}

int weft__ws_page_new(struct weft__ws_page **out, const char *value, struct weft_error *error)
{
    struct weft__ws_page *page = weft_calloc(1, sizeof *page);
    size_t size = strlen(value) + 1;
    char *text = weft_malloc(size), *next = text;
    int err = -ENOMEM;

    if (!page || !text)
        goto err_after_alloc;
    page->value = weft_malloc(size);
    if (!page->value)
        goto err_after_alloc;
    memcpy(page->value, value, size);
    memcpy(text, value, size);
    for (err = 0; next && err == 0; page->count++) {
        char *path = next, *comma = strchr(path, ',');
        if (comma)
            *comma = '\0';
        next = comma ? comma + 1 : NULL;
        if (page->count == WEFT__WS_PAGES_MAX) {
            err = refuse(error, path, "there are more than 16");
            break;
        }
        err = read_file(&page->files[page->count], path, error);
    }
    if (err < 0)
        goto err_after_copy;
    weft_free(text);
    *out = page;
    return 0;

err_after_copy:
    weft_free(text);
    weft__ws_page_free(page);
    return err;
err_after_alloc:
    weft_free(text);
    weft_free(page);
    return weft_error_set(error, -ENOMEM, "no memory for the pages %s", value);
}

void weft__ws_page_free(struct weft__ws_page *page)
{
    if (!page)
        return;
    for (size_t i = 0; i < WEFT__WS_PAGES_MAX; i++)
        weft_blob_unref(page->files[i].blob);
    weft_free(page->value);
    weft_free(page);
}

const struct weft__ws_file *weft__ws_page_find(const struct weft__ws_page *page,
                                               struct weft_view path)
{
    if (!page)
        return NULL;
    if (path.size == 1)
        return &page->files[0];
    for (size_t i = 0; i < page->count; i++)
        if (weft_view_equal(weft_view_skip(path, 1), weft_view_str(page->files[i].name)))
            return &page->files[i];
    return NULL;
}

int weft__ws_page_answer(const struct weft__ws_file *file, bool head, struct weft_chain *out)
{
    int err = weft__ws_print(out,
                             "HTTP/1.1 200 OK\r\n"
                             "Connection: close\r\n"
                             "Content-Type: %s\r\n"
                             "Content-Length: %zu\r\n"
                             "Cache-Control: no-cache\r\n"
                             "Content-Security-Policy: %s\r\n"
                             "Cross-Origin-Opener-Policy: same-origin\r\n"
                             "Referrer-Policy: no-referrer\r\n"
                             "X-Content-Type-Options: nosniff\r\n\r\n",
                             file->type, weft_blob_view(file->blob).size, policy);

    return err == 0 && !head ? weft_chain_append_blob(out, file->blob) : err;
}
