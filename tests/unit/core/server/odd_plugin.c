/* SPDX-License-Identifier: MIT
 *
 * Shared objects for test_plugin.c: a good one, and one for each way to be wrong, which the build names
 * with -DODD_... */
#include "core/plugin.h"

#define UNUSED __attribute__((unused)) /* in some of the forms */

UNUSED static ssize_t decode(const struct weft_codec_state *state, struct weft_view in,
                             struct weft_message *msg, struct weft_decode_io *io)
{
    (void)state, (void)in, (void)msg, (void)io;
    return WEFT_ELOST;
}

static int encode(const struct weft_codec_state *state, const struct weft_body *body,
                  struct weft_encode_io *io)
{
    (void)state, (void)body, (void)io;
    return WEFT_ETOOBIG;
}

static const struct weft_codec codec = {
    .name = "odd-codec",
    .speaks = "*",
    .encode = encode,
#ifndef ODD_SLOT
    .decode = decode,
#endif
};

static void call(void *loop_state, void *conn_state, struct weft_request *request)
{
    (void)loop_state, (void)conn_state, (void)request;
}

static const struct weft_service service = {.name = "odd-service", .speaks = "*", .call = call};

UNUSED static const struct weft_codec *const codecs[] = {&codec, NULL};
UNUSED static const struct weft_service *const services[] = {&service, NULL};

#ifdef ODD_UNDEFINED
void nobody_defines_this(void);
void uses_it(void);
void uses_it(void)
{
    nobody_defines_this();
}
#endif

#ifdef ODD_SYMBOL
/* There is none. */
#elif defined(ODD_MAGIC)
const struct weft_plugin weft_plugin = {.magic = {'?'}, .codecs = codecs};
#elif defined(ODD_ABI)
const struct weft_plugin weft_plugin = {
    .magic = {'w', 'e', 'f', 't', 'p', 'l', 'u', 'g'},
    .abi = WEFT_PLUGIN_ABI + 1,
};
#elif defined(ODD_COUNT)
static const uint32_t sizes[] = {sizeof(struct weft_codec)};
const struct weft_plugin weft_plugin = {
    .magic = {'w', 'e', 'f', 't', 'p', 'l', 'u', 'g'},
    .abi = WEFT_PLUGIN_ABI,
    .size_count = 1,
    .sizes = sizes,
};
#elif defined(ODD_SIZE)
#define SIZE(tag) sizeof(struct tag) + 8 * (sizeof #tag == sizeof "weft_message"),
static const uint32_t sizes[] = {WEFT_PLUGIN_STRUCTS(SIZE)};
const struct weft_plugin weft_plugin = {
    .magic = {'w', 'e', 'f', 't', 'p', 'l', 'u', 'g'},
    .abi = WEFT_PLUGIN_ABI,
    .size_count = sizeof sizes / sizeof *sizes,
    .sizes = sizes,
};
#else
WEFT_PLUGIN(.name = "odd", .version = "1.0", .licence = "MIT", .codecs = codecs,
            .services = services);
#endif
