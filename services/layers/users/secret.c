/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <crypt.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/mem.h"
#include "users.h"

size_t users_secret_work_size(void)
{
    return sizeof(struct crypt_data);
}

/* The methods of crypt(3) whose hashes may be used: $y$ and $gy$ yescrypt, $7$ scrypt, $2b$ and its like
 * bcrypt, $6$ and $5$ SHA-2. */
bool users_secret_is_hash(const char *hash)
{
    static const char *const methods[] = {"$y$",  "$gy$", "$7$", "$2a$",
                                          "$2b$", "$2y$", "$6$", "$5$"};
    const char *digest = strrchr(hash, '$');
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strncmp(hash, methods[i], strlen(methods[i])) == 0)
            return digest > hash + 2 && strlen(digest) > 20 && strlen(hash) < WEFT_USERS_HASH_MAX;
    return false;
}

/* Looks at every byte, whatever it has found. */
static bool is_equal(const char *a, const char *b)
{
    size_t size = strlen(a);
    volatile unsigned differ = (unsigned)(size ^ strlen(b));
    for (size_t i = 0; i < size && i < strlen(b); i++)
        differ |= (unsigned)(uint8_t)(a[i] ^ b[i]);
    return differ == 0;
}

bool users_secret_check(void *work, const char *hash, struct weft_view secret)
{
    char text[WEFT_USERS_SECRET_MAX + 1] = "";
    bool fits = secret.size <= WEFT_USERS_SECRET_MAX &&
                (secret.size == 0 || !memchr(secret.data, 0, secret.size));
    if (fits && secret.size > 0)
        memcpy(text, secret.data, secret.size);
    const char *made = crypt_r(text, hash, work);
    bool is_right = made && *made == '$' && is_equal(made, hash) && fits && secret.size > 0;
    explicit_bzero(work, sizeof(struct crypt_data));
    explicit_bzero(text, sizeof text);
    return is_right;
}

/* Returns a setting with a fresh salt. */
static int make_setting(char *dst)
{
#ifdef WEFT_HAS_GENSALT
    return crypt_gensalt_rn("$y$", 0, NULL, 0, dst, WEFT_USERS_HASH_MAX) ? 0 : -errno;
#else
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t salt[16];
    if (getrandom(salt, sizeof salt, 0) != sizeof salt)
        return -errno;
    strcpy(dst, "$6$rounds=200000$");
    char *at = dst + strlen(dst);
    for (size_t i = 0; i < sizeof salt; i++)
        *at++ = digits[salt[i] % 64];
    strcpy(at, "$");
    return 0;
#endif
}

int weft_users_hash(char *dst, struct weft_view password, struct weft_error *error)
{
    char setting[WEFT_USERS_HASH_MAX], text[WEFT_USERS_SECRET_MAX + 1] = "";
    if (password.size == 0)
        return weft_error_set(error, WEFT_ECONFIG, "the password is empty");
    if (password.size > WEFT_USERS_SECRET_MAX)
        return weft_error_set(error, WEFT_ECONFIG, "the password is longer than %d bytes",
                              WEFT_USERS_SECRET_MAX);
    if (memchr(password.data, 0, password.size))
        return weft_error_set(error, WEFT_ECONFIG, "there is a NUL in the password");
    int err = make_setting(setting);
    struct crypt_data *work = weft_calloc(1, sizeof *work);
    if (err == 0 && !work)
        err = -ENOMEM;
    if (err == 0) {
        memcpy(text, password.data, password.size);
        const char *made = crypt_r(text, setting, work);
        if (made && *made == '$' && strlen(made) < WEFT_USERS_HASH_MAX)
            strcpy(dst, made);
        else
            err = -EINVAL;
        explicit_bzero(work, sizeof *work);
        explicit_bzero(text, sizeof text);
    }
    weft_free(work);
    return err < 0 ? weft_error_set(error, err, "crypt(3): %s", weft_strerror(err)) : 0;
}
