/* SPDX-License-Identifier: MIT */
#include "chain_fixture.h"

#include <string.h>

static struct chain_fixture fixture;

int chain_setup(void **state)
{
    fault_install();
    weft_piece_pool_init(&fixture.pool, 2);
    weft_chain_init(&fixture.chain, &fixture.pool);
    *state = &fixture;
    return 0;
}

int chain_teardown(void **state)
{
    struct chain_fixture *f = *state;
    weft_chain_fini(&f->chain);
    weft_piece_pool_fini(&f->pool);
    size_t live = fault_live();
    fault_remove();
    return live == 0 ? 0 : -1;
}

size_t flatten(const struct weft_chain *chain, uint8_t *dst, size_t size)
{
    struct iovec vec[64];
    int count = weft_chain_peek(chain, vec, 64);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        assert_true(vec[i].iov_len > 0);
        assert_true(used + vec[i].iov_len <= size);
        memcpy(dst + used, vec[i].iov_base, vec[i].iov_len);
        used += vec[i].iov_len;
    }
    assert_int_equal(used, chain->bytes);
    return used;
}

void expect(const struct weft_chain *chain, const char *text)
{
    uint8_t bytes[256];
    size_t size = flatten(chain, bytes, sizeof bytes);
    assert_true(weft_view_equal(weft_view(bytes, size), weft_view_str(text)));
}

void append(struct weft_chain *chain, const char *text)
{
    assert_int_equal(weft_chain_append(chain, weft_view_str(text)), 0);
}

void append_run(struct weft_chain *chain, int c, size_t size)
{
    uint8_t *dst = weft_chain_reserve(chain, size);
    assert_non_null(dst);
    memset(dst, c, size);
    weft_chain_commit(chain, size);
}

struct weft_blob *make_blob(const char *text)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(strlen(text), &data);
    assert_non_null(blob);
    memcpy(data, text, strlen(text));
    return blob;
}

struct weft_blob *make_large_blob(void)
{
    uint8_t *data;
    struct weft_blob *blob = weft_blob_new(LARGE_BLOB, &data);
    assert_non_null(blob);
    memset(data, 'B', LARGE_BLOB);
    return blob;
}

int count_segments(const struct weft_chain *chain)
{
    int count = 0;
    for (const struct weft_piece *s = chain->head; s; s = s->next)
        count++;
    return count;
}
