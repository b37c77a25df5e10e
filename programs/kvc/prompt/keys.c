/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

int cli_keys_init(struct cli_keys *keys, int terminal)
{
    sigset_t heard;
    sigemptyset(&heard);
    sigaddset(&heard, SIGINT);
    sigaddset(&heard, SIGWINCH);
    sigaddset(&heard, SIGHUP);
    sigaddset(&heard, SIGTERM);
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
}

void cli_keys_hold_interrupt(bool hold)
{
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &interrupt, NULL);
}

static enum cli_key key_of(uint32_t signal)
{
    switch (signal) {
    case SIGINT:
        return CLI_KEY_INTERRUPT;
    case SIGWINCH:
        return CLI_KEY_RESIZE;
    }
    return CLI_KEY_END;
}

/* Until one of both has something to read. */
static void wait_for_any(const struct cli_keys *keys)
{
    struct pollfd both[] = {{.fd = keys->terminal, .events = POLLIN},
                            {.fd = keys->signals, .events = POLLIN}};
    (void)poll(both, 2, -1);
}

enum cli_key cli_keys_read(struct cli_keys *keys, wchar_t *character)
{
    for (;;) {
        struct signalfd_siginfo signal;
        char byte;
        wait_for_any(keys);
        if (read(keys->signals, &signal, sizeof signal) == sizeof signal)
            return key_of(signal.ssi_signo);
        ssize_t size = read(keys->terminal, &byte, 1);
        if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN))
            return CLI_KEY_END;
        size_t taken = size > 0 ? mbrtowc(character, &byte, 1, &keys->part) : (size_t)-2;
        if (taken <= 1)
            return CLI_KEY_TYPED;
        if (taken == (size_t)-1)
            keys->part = (mbstate_t){0};
    }
}
