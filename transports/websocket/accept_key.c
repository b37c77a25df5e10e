/* SPDX-License-Identifier: MIT */
#include "accept_key.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <sys/random.h>

static bool is_base64(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

bool weft__ws_key_valid(struct weft_view text)
{
    if (text.size != WEFT__WS_KEY_SIZE || memcmp(text.data + 22, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < 22; i++)
        if (!is_base64(text.data[i]))
            return false;
    /* The last digit stands for 2 bits of the 16th byte. Its other bits should be 0, but RFC 6455's own
     * servers do not look at them. */
    return true;
}

void weft__ws_accept(char dst[WEFT__WS_ACCEPT_SIZE], struct weft_view key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, section 1.3 */
    struct sha1_ctx sha1;
    uint8_t digest[SHA1_DIGEST_SIZE];

    sha1_init(&sha1);
    sha1_update(&sha1, key.size, key.data);
    sha1_update(&sha1, sizeof guid - 1, (const uint8_t *)guid);
    sha1_digest(&sha1, sizeof digest, digest);
    base64_encode_raw(dst, sizeof digest, digest);
}

int weft__ws_random(uint8_t *dst, size_t size)
{
    /* Up to 256 bytes come whole, and no signal interrupts the call once the pool is ready. */
    ssize_t n;

    do
        n = getrandom(dst, size, 0);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size ? 0 : n < 0 ? -errno : -EIO;
}

int weft__ws_key_new(char dst[WEFT__WS_KEY_SIZE])
{
    uint8_t bytes[16];
    int err = weft__ws_random(bytes, sizeof bytes);

    if (err == 0)
        base64_encode_raw(dst, sizeof bytes, bytes);
    return err;
}
