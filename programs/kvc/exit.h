/* SPDX-License-Identifier: MIT
 *
 * What kvc ends with. */
#ifndef KV_CLI_EXIT_H
#define KV_CLI_EXIT_H

/* X(NAME, code, "text"): --help-all and the manual have the texts. 130 is as a shell says it of
 * SIGINT. */
#define CLI_EXIT_MAP(X)                                                                            \
    X(DONE, 0, "done")                                                                             \
    X(REFUSED, 1, "the server answered an error, or the answer could not be printed")              \
    X(USAGE, 2, "a mistake of the command line or of the input, which was not sent")               \
    X(CONNECT, 3, "the server cannot be connected to")                                             \
    X(TIMEOUT, 4, "no answer in time")                                                             \
    X(PROTOCOL, 5, "no valid answer, or the connection ended before it")                           \
    X(INTERRUPTED, 130, "interrupted")

enum cli_exit {
#define X(name, code, text) CLI_EXIT_##name = (code),
    CLI_EXIT_MAP(X)
#undef X
};

#endif
