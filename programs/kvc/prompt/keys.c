/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "wide.h"

/* The longest pause within an escape sequence and within a paste, in milliseconds. A terminal sends
 * each in one go, while a person types more slowly. */
enum { SEQUENCE_PAUSE = 50, PASTE_PAUSE = 2000 };

enum { CONTROL_C = 0x03, CONTROL_Z = 0x1a, ESCAPE = 0x1b };

static const char paste_begin[] = "\x1b[200~", paste_end[] = "\x1b[201~";
enum { MARK_SIZE = sizeof paste_begin - 1 };

int cli_keys_init(struct cli_keys *keys, int terminal)
{
    static const int heard_signals[] = {SIGINT, SIGTSTP, SIGCONT, SIGWINCH, SIGHUP, SIGTERM};
    sigset_t heard;
    sigemptyset(&heard);
    for (size_t i = 0; i < sizeof heard_signals / sizeof *heard_signals; i++)
        sigaddset(&heard, heard_signals[i]);
    *keys = (struct cli_keys){.terminal = terminal,
                              .signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (keys->signals < 0)
        return -errno;
    sigprocmask(SIG_BLOCK, &heard, &keys->mask);
    return 0;
}

void cli_keys_fini(struct cli_keys *keys)
{
    sigprocmask(SIG_SETMASK, &keys->mask, NULL);
    close(keys->signals);
    weft_buf_fini(&keys->pasted);
}

static void hold(int how, bool interrupt_too)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    if (interrupt_too)
        sigaddset(&set, SIGINT);
    sigprocmask(how, &set, NULL);
}

void cli_keys_hold_signals(bool held)
{
    hold(held ? SIG_BLOCK : SIG_UNBLOCK, true);
}

void cli_keys_stop(void)
{
    kill(0, SIGTSTP);
    hold(SIG_UNBLOCK, false); /* stops here */
    hold(SIG_BLOCK, false);
}

static enum cli_key key_of(uint32_t signal)
{
    switch (signal) {
    case SIGINT:
        return CLI_KEY_INTERRUPT;
    case SIGTSTP:
        return CLI_KEY_SUSPEND;
    case SIGCONT:
        return CLI_KEY_RESUME;
    case SIGWINCH:
        return CLI_KEY_RESIZE;
    }
    return CLI_KEY_END;
}

/* Waits until the terminal or the signals have something to read. */
static void wait_for_any(const struct cli_keys *keys)
{
    struct pollfd both[] = {{.fd = keys->terminal, .events = POLLIN},
                            {.fd = keys->signals, .events = POLLIN}};
    (void)poll(both, 2, -1);
}

/* True if the terminal has something to read, or ends, within so many milliseconds. */
static bool comes_within(const struct cli_keys *keys, int milliseconds)
{
    struct pollfd terminal = {.fd = keys->terminal, .events = POLLIN};
    int count;
    do
        count = poll(&terminal, 1, milliseconds);
    while (count < 0 && errno == EINTR);
    return count > 0;
}

bool cli_keys_has_more(const struct cli_keys *keys)
{
    return keys->held_count > 0 || comes_within(keys, 0);
}

/* Reads a byte that must come soon. One byte at a time: what follows belongs to whoever reads the
 * terminal next, which after `quit` is the shell. */
static bool read_soon(struct cli_keys *keys, int milliseconds, unsigned char *byte)
{
    return comes_within(keys, milliseconds) && read(keys->terminal, byte, 1) == 1;
}

static unsigned char take_held(struct cli_keys *keys)
{
    unsigned char byte = keys->held[0];
    memmove(keys->held, keys->held + 1, --keys->held_count);
    return byte;
}

/* After an escape. True: a paste begins. False: the bytes behind the escape are held as keys. */
static bool take_paste_begin(struct cli_keys *keys)
{
    unsigned char byte;
    size_t matched = 1;
    while (matched < MARK_SIZE && read_soon(keys, SEQUENCE_PAUSE, &byte)) {
        keys->held[keys->held_count++] = byte;
        if (byte != (unsigned char)paste_begin[matched])
            return false;
        matched++;
    }
    if (matched == MARK_SIZE)
        keys->held_count = 0;
    return matched == MARK_SIZE;
}

/* Reads up to the end mark, which is taken out. A paste whose end does not come ends with the
 * pause, or no key would ever be heard again. */
static void read_paste(struct cli_keys *keys)
{
    unsigned char byte;
    struct weft_buf *pasted = &keys->pasted;
    bool is_cut = false;
    size_t matched = 0;
    weft_buf_consume(pasted, weft_buf_size(pasted));
    while (matched < MARK_SIZE && read_soon(keys, PASTE_PAUSE, &byte)) {
        is_cut = is_cut || weft_buf_size(pasted) == CLI_PASTE_MAX ||
                 weft_buf_append(pasted, weft_view(&byte, 1)) < 0;
        bool fits = byte == (unsigned char)paste_end[matched];
        matched = fits ? matched + 1 : byte == ESCAPE;
    }
    struct weft_view all = weft_buf_view(pasted);
    size_t mark = matched == MARK_SIZE ? MARK_SIZE : 0;
    keys->paste = is_cut ? weft_view(NULL, 0) : weft_view(all.data, all.size - mark);
}

/* Adds a byte to the character that is under way. True: *character is complete. A byte that cannot
 * follow is held for the next call, and the first byte before it stands for itself. */
static bool add_byte(struct cli_keys *keys, unsigned char byte, wchar_t *character)
{
    keys->part[keys->part_size++] = byte;
    size_t used = cli_wide_decode(weft_view(keys->part, keys->part_size), character);
    if (used == 0)
        return false;
    keys->part_size -= used;
    /* The others have not been read as keys yet: they may be Enter, or begin a character. */
    memmove(keys->held + keys->part_size, keys->held, keys->held_count);
    memcpy(keys->held, keys->part + used, keys->part_size);
    keys->held_count += keys->part_size;
    keys->part_size = 0;
    return true;
}

static enum cli_key key_of_byte(unsigned char byte, wchar_t *character)
{
    switch (byte) {
    case CONTROL_C:
        return CLI_KEY_INTERRUPT;
    case CONTROL_Z:
        return CLI_KEY_SUSPEND;
    }
    *character = byte;
    return CLI_KEY_TYPED;
}

enum cli_key cli_keys_read(struct cli_keys *keys, wchar_t *character)
{
    for (;;) {
        struct signalfd_siginfo signal;
        unsigned char byte;
        bool was_held = keys->held_count > 0;
        if (!was_held)
            wait_for_any(keys);
        if (read(keys->signals, &signal, sizeof signal) == sizeof signal)
            return key_of(signal.ssi_signo);
        if (was_held) {
            byte = take_held(keys);
        } else {
            ssize_t size = read(keys->terminal, &byte, 1);
            if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN))
                return CLI_KEY_END;
            if (size < 0)
                continue;
        }
        if (keys->part_size > 0 || byte >= 0x80) {
            if (add_byte(keys, byte, character))
                return CLI_KEY_TYPED;
            continue;
        }
        if (byte == ESCAPE && keys->held_count == 0 && take_paste_begin(keys)) {
            read_paste(keys);
            return CLI_KEY_PASTE;
        }
        return key_of_byte(byte, character);
    }
}
