/* SPDX-License-Identifier: MIT
 *
 * The memory of a session. nghttp2 1.52 does not survive every allocation that fails: an item that could not be
 * queued is freed, and nghttp2_session_del frees it again. So each session's blocks are on a list. Once an
 * allocation has failed nghttp2 is not called any more, and the blocks are freed without it. */
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "parts.h"

/* It stands before each block, and keeps the alignment of malloc. */
struct block {
    _Alignas(max_align_t) struct grpc_blocks links;
};

static void *link_block(struct grpc_blocks *list, struct block *block)
{
    block->links.next = list->next;
    block->links.prev = list;
    if (list->next)
        list->next->prev = &block->links;
    list->next = &block->links;
    return block + 1;
}

static void unlink_block(struct block *block)
{
    block->links.prev->next = block->links.next;
    if (block->links.next)
        block->links.next->prev = block->links.prev;
}

static void *take(size_t size, void *user)
{
    struct grpc_conn *conn = user;
    struct block *block =
        size < SIZE_MAX - sizeof *block ? weft_malloc(sizeof *block + size) : NULL;
    if (!block) {
        conn->no_memory = true;
        return NULL;
    }
    return link_block(&conn->blocks, block);
}

static void give(void *p, void *user)
{
    (void)user;
    if (!p)
        return;
    struct block *block = (struct block *)p - 1;
    unlink_block(block);
    weft_free(block);
}

static void *take_zeroed(size_t count, size_t size, void *user)
{
    void *p = size == 0 || count <= SIZE_MAX / size ? take(count * size, user) : NULL;
    if (p)
        memset(p, 0, count * size);
    return p;
}

static void *resize(void *p, size_t size, void *user)
{
    struct grpc_conn *conn = user;
    if (!p)
        return take(size, user);
    struct block *old = (struct block *)p - 1;
    unlink_block(old);
    struct block *block = weft_realloc(old, sizeof *block + size);
    if (block)
        return link_block(&conn->blocks, block);
    conn->no_memory = true;
    (void)link_block(&conn->blocks, old);
    return NULL;
}

nghttp2_mem grpc_memory(struct grpc_conn *conn)
{
    return (nghttp2_mem){conn, take, give, take_zeroed, resize};
}

void grpc_memory_free(struct grpc_conn *conn)
{
    while (conn->blocks.next) {
        struct block *block = weft_container_of(conn->blocks.next, struct block, links);
        unlink_block(block);
        weft_free(block);
    }
}
