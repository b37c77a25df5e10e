/* SPDX-License-Identifier: MIT */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "core/base/mem.h"

enum { FILE_MAX = 1 << 20 };

static int refuse(const struct weft__tls_file *file, const char *why, struct weft_error *error)
{
    return weft_error_set(error, WEFT_ECONFIG, "option %s=%s: %s", file->option, file->path, why);
}

static int read_all(struct weft__tls_file *file, int fd, struct weft_error *error)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return refuse(file, weft_strerror(-errno), error);
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
        return refuse(file, "it is not a file of at most 1 MiB", error);
    size_t room = (size_t)status.st_size + 1;
    file->data = weft_malloc(room);
    if (!file->data)
        return weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    while (file->size < room) {
        ssize_t n = read(fd, file->data + file->size, room - file->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return refuse(file, weft_strerror(-errno), error);
        if (n == 0)
            return 0;
        file->size += (size_t)n;
    }
    return refuse(file, "it is being written", error);
}

int weft__tls_file_read(struct weft__tls_file *file, const char *option, const char *path,
                        struct weft_error *error)
{
    *file = (struct weft__tls_file){.option = option, .path = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return refuse(file, weft_strerror(-errno), error);
    int err = read_all(file, fd, error);
    (void)close(fd);
    if (err == 0) {
        file->bio = BIO_new_mem_buf(file->data, (int)file->size);
        if (!file->bio)
            err = weft__tls_file_refuse(file, "cannot read it", error);
    }
    if (err < 0)
        weft__tls_file_fini(file);
    return err;
}

void weft__tls_file_fini(struct weft__tls_file *file)
{
    BIO_free(file->bio);
    if (file->data)
        explicit_bzero(file->data, file->size);
    weft_free(file->data);
    file->bio = NULL;
    file->data = NULL;
    file->size = 0;
}

int weft__tls_file_digest(const struct weft__tls_file *file, uint8_t digest[WEFT__TLS_DIGEST])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
             EVP_DigestUpdate(context, digest, WEFT__TLS_DIGEST) &&
             EVP_DigestUpdate(context, file->data, file->size) &&
             EVP_DigestFinal_ex(context, digest, NULL);

    EVP_MD_CTX_free(context);
    if (!ok)
        ERR_clear_error();
    return ok ? 0 : -ENOMEM;
}

int weft__tls_file_refuse(const struct weft__tls_file *file, const char *what,
                          struct weft_error *error)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    bool no_memory = ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;

    if (no_memory)
        weft_error_set(error, -ENOMEM, "%s", weft_strerror(-ENOMEM));
    else
        weft_error_set(error, WEFT_ECONFIG, "option %s=%s: %s%s%s", file->option, file->path, what,
                       reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return no_memory ? -ENOMEM : WEFT_ECONFIG;
}

int weft__tls_no_password(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}
