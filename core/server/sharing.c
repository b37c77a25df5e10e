/* SPDX-License-Identifier: MIT
 *
 * A codec that does not know its peers by their first bytes may be the first one at an address, where it
 * takes what no other claims. That is no use if another one claims its frames: then peers of the first
 * would be served by the other. So the codec makes some frames, and the others are asked about them. */
#include <errno.h>

#include "server_private.h"

enum {
    LONGEST = 300
}; /* bytes of a message: more than fit one byte of length, or two of a varint's bits */

/* Returns the binding that claims the bytes at the beginning of a chain, or NULL. */
static const struct weft__binding *find_claimant(const struct weft__binding *first,
                                                 const struct weft_chain *frame)
{
    uint8_t bytes[WEFT_PROBE_MAX];
    struct iovec vec[WEFT_PROBE_MAX];
    int count = weft_chain_peek(frame, vec, WEFT_PROBE_MAX);
    size_t size = 0;

    for (int i = 0; i < count && size < sizeof bytes; i++) {
        size_t room = sizeof bytes - size;
        size_t part = vec[i].iov_len < room ? vec[i].iov_len : room;
        memcpy(bytes + size, vec[i].iov_base, part);
        size += part;
    }
    for (size_t i = 1; size > 0 && i < first->variants; i++)
        if (first[i].codec->probe(first[i].codec_config, weft_view(bytes, size)) == WEFT_PROBE_YES)
            return &first[i];
    return NULL;
}

/* Sets *claimant to the binding that claims a frame of the first one, NULL if none does. */
static int try_frames(const struct weft__binding *first, void *conn,
                      const struct weft__binding **claimant)
{
    static const uint8_t zeros[LONGEST];
    const struct weft_codec_state state = {.config = first->codec_config,
                                           .loop = first->codec_loop,
                                           .conn = conn,
                                           .config_id = first->config_id};
    int err = 0;

    *claimant = NULL;
    if (first->codec->init)
        first->codec->init(&state, WEFT_CLIENT);
    for (size_t size = 0; size <= LONGEST && err == 0 && !*claimant; size++) {
        struct weft_body_bytes body = weft_body_from_view(weft_view(zeros, size));
        struct weft_chain out;
        struct weft_encode_io io = {.out = &out, .last = true};

        weft_chain_init(&out, &first->worker->pieces);
        err = first->codec->encode(&state, &body.body, &io);
        if (err == 0)
            *claimant = find_claimant(first, &out);
        weft_chain_fini(&out);
    }
    if (first->codec->fini)
        first->codec->fini(&state);
    return err == -ENOMEM ? err
                          : 0; /* over a limit, or not to its taste: there is no more to try */
}

static int check(const struct weft__binding *first, const char *address, struct weft_error *error)
{
    const struct weft__binding *claimant;
    void *conn = weft_calloc(1, first->codec->conn_size + 1);
    int err = conn ? try_frames(first, conn, &claimant) : -ENOMEM;

    weft_free(conn);
    if (err < 0)
        return weft_error_set(error, err, "cannot try codec '%s': %s", first->codec->name,
                              weft_strerror(err));
    if (!claimant)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG,
                          "codec '%s' would take frames of codec '%s' for its own, so they cannot "
                          "share the address %s",
                          claimant->codec->name, first->codec->name, address);
}

int weft__address_check_sharing(const struct weft__address *address, struct weft_error *error)
{
    const struct weft__binding *first = address->parts[0]->bindings;

    if (first->variants < 2 || first->codec->probe)
        return 0;
    return check(first, address->name, error);
}
