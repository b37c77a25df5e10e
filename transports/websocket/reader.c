/* SPDX-License-Identifier: MIT */
#include "reader.h"

static bool is_control(const struct weft__ws_frame *frame)
{
    return frame->opcode & 0x08;
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

static enum weft__ws_event broken(struct weft__ws_what *what, unsigned code, const char *why)
{
    what->code = code;
    what->why = why;
    return WEFT__WS_BROKEN;
}

/* Checks what every frame must keep to. Returns NULL or what is wrong. */
static const char *check_form(const struct weft__ws_reader *reader,
                              const struct weft__ws_frame *frame)
{
    if (frame->reserved)
        return "a reserved bit is set, but no extension was agreed on";
    if (frame->masked != reader->masked)
        return reader->masked ? "a frame of a client that is not masked"
                              : "a frame of a server that is masked";
    if (!frame->minimal)
        return "a length that is not in its shortest form";
    if (!is_control(frame))
        return NULL;
    if (frame->opcode > WEFT__WS_PONG)
        return "an unknown opcode";
    if (!frame->fin)
        return "a control frame in fragments";
    if (frame->size > WEFT__WS_CONTROL_MAX)
        return "a control frame of more than 125 bytes";
    return NULL;
}

/* Checks a header, and its place among the fragments of messages. */
static enum weft__ws_event begin_frame(struct weft__ws_reader *reader, struct weft__ws_what *what)
{
    const struct weft__ws_frame *frame = &reader->frame;
    const char *why = check_form(reader, frame);

    if (why)
        return broken(what, WEFT__WS_PROTOCOL, why);
    reader->done = 0;
    reader->in_frame = true;
    if (is_control(frame))
        return WEFT__WS_NEEDS_MORE;
    switch (frame->opcode) {
    case WEFT__WS_CONTINUATION:
        if (!reader->in_message)
            return broken(what, WEFT__WS_PROTOCOL, "a continuation of no message");
        break;
    case WEFT__WS_TEXT:
    case WEFT__WS_BINARY:
        if (reader->in_message)
            return broken(what, WEFT__WS_PROTOCOL, "a new message inside a fragmented one");
        if (frame->opcode == WEFT__WS_TEXT)
            return broken(what, WEFT__WS_UNSUPPORTED, "a text message; only binary ones are taken");
        break;
    default:
        return broken(what, WEFT__WS_PROTOCOL, "an unknown opcode");
    }
    reader->in_message = !frame->fin;
    return WEFT__WS_NEEDS_MORE;
}

/* Collects a header, byte by byte if it comes so. Returns true once it is whole. */
static bool collect_header(struct weft__ws_reader *reader, struct weft_view *in)
{
    while (in->size > 0) {
        size_t whole = weft__ws_header_size(reader->header, reader->header_size);
        size_t n = smaller(whole - reader->header_size, in->size);
        memcpy(reader->header + reader->header_size, in->data, n);
        reader->header_size += (uint8_t)n;
        *in = weft_view_skip(*in, n);
        if (reader->header_size >= 2 &&
            reader->header_size == weft__ws_header_size(reader->header, reader->header_size))
            return true;
    }
    return false;
}

static enum weft__ws_event read_close(struct weft__ws_reader *reader, struct weft__ws_what *what)
{
    size_t size = (size_t)reader->frame.size;

    what->code = WEFT__WS_NO_CODE;
    what->why = NULL;
    if (size == 0)
        return WEFT__WS_GOT_CLOSE;
    if (size == 1)
        return broken(what, WEFT__WS_PROTOCOL, "a close frame with half a code");
    what->code = (unsigned)reader->control[0] << 8 | reader->control[1];
    if (!weft__ws_code_valid(what->code))
        return broken(what, WEFT__WS_PROTOCOL, "a close frame with a code that may not be sent");
    if (!weft_utf8_valid(weft_view(reader->control + 2, size - 2)))
        return broken(what, WEFT__WS_NOT_UTF8, "a close frame whose reason is not UTF-8");
    return WEFT__WS_GOT_CLOSE;
}

/* Takes payload of the frame that was begun. NEEDS_MORE also stands for a frame that is complete and means
 * nothing to the caller. */
static enum weft__ws_event take_payload(struct weft__ws_reader *reader, struct weft_view *in,
                                        uint8_t *dst, size_t size, size_t *written,
                                        struct weft__ws_what *what)
{
    struct weft__ws_frame *frame = &reader->frame;
    bool control = is_control(frame);
    size_t n = smaller(frame->size - reader->done, in->size);

    if (!control)
        n = smaller(n, size - *written);
    /* A pong was not asked for, and control may hold a ping that is not answered yet. */
    uint8_t *to = !control                         ? (dst ? dst + *written : NULL)
                  : frame->opcode != WEFT__WS_PONG ? reader->control + reader->done
                                                   : NULL;
    if (to && n > 0 && frame->masked)
        weft__ws_mask(to, in->data, n, frame->mask, reader->done);
    else if (to && n > 0)
        memcpy(to, in->data, n);
    *in = weft_view_skip(*in, n);
    reader->done += n;
    if (!control)
        *written += n;
    if (reader->done < frame->size)
        return WEFT__WS_NEEDS_MORE;
    reader->in_frame = false;
    if (frame->opcode == WEFT__WS_CLOSE)
        return read_close(reader, what);
    return frame->opcode == WEFT__WS_PING ? WEFT__WS_GOT_PING : WEFT__WS_NEEDS_MORE;
}

enum weft__ws_event weft__ws_read(struct weft__ws_reader *reader, struct weft_view *in,
                                  uint8_t *dst, size_t size, size_t *written,
                                  struct weft__ws_what *what)
{
    enum weft__ws_event event = WEFT__WS_NEEDS_MORE;

    *written = 0;
    while (event == WEFT__WS_NEEDS_MORE) {
        bool waits = reader->in_frame && reader->done < reader->frame.size;
        if (waits && (in->size == 0 || (!is_control(&reader->frame) && *written == size)))
            break;
        if (!reader->in_frame) {
            if (!collect_header(reader, in))
                break;
            weft__ws_header_read(&reader->frame, reader->header);
            reader->header_size = 0;
            event = begin_frame(reader, what);
            continue;
        }
        event = take_payload(reader, in, dst, size, written, what);
    }
    return event == WEFT__WS_NEEDS_MORE && *written > 0 ? WEFT__WS_BYTES : event;
}
