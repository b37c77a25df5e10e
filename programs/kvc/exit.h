/* SPDX-License-Identifier: MIT
 *
 * The exit codes of kvc. */
#ifndef KV_CLI_EXIT_H
#define KV_CLI_EXIT_H

/* X(NAME, code, "text"): --help-all and the manual print the texts. A signal N that kvc handles ends
 * it with 128 + N, the code that a shell reports for a process that the signal killed. */
#define CLI_EXIT_MAP(X)                                                                            \
    X(DONE, 0, "done")                                                                             \
    X(REFUSED, 1, "the server answered an error, or the answer could not be printed")              \
    X(USAGE, 2, "a mistake of the command line or of the input, which was not sent")               \
    X(CONNECT, 3, "the server cannot be connected to")                                             \
    X(TIMEOUT, 4, "no answer in time")                                                             \
    X(PROTOCOL, 5, "no valid answer, or the connection ended before it")                           \
    X(HUNG_UP, 129, "ended by SIGHUP")                                                             \
    X(INTERRUPTED, 130, "interrupted")                                                             \
    X(QUIT, 131, "ended by SIGQUIT")                                                               \
    X(TERMINATED, 143, "ended by SIGTERM")

enum cli_exit {
#define X(name, code, text) CLI_EXIT_##name = (code),
    CLI_EXIT_MAP(X)
#undef X
};

#endif
