/* SPDX-License-Identifier: MIT
 *
 * The options of `--store redis:` and `--store redis-cluster:` that the client reads, for the table of a store:
 *
 *     static const struct weft_option options[] = {REDIS_OPTIONS, {.name = NULL}};
 *
 * A password is in a file and never in the URL, because others could read it there. */
#ifndef KV_REDIS_OPTIONS_H
#define KV_REDIS_OPTIONS_H

/* clang-format off */
#define REDIS_OPTIONS \
    {"ack", "master|replica|replica(N)|replica(N,MS)|fsync", \
     "who must have a write before it is answered (default replica(1,1000); redis: master)"}, \
    {"timeout", "SECONDS", "time for a call, with all that is tried again (default 4)"}, \
    {"connect-timeout", "SECONDS", "time to connect to a node, and of a node's silence (default 2)"}, \
    {"max-calls", "COUNT", "calls of a loop that may wait, half of them for one node (default 32768)"}, \
    {"user", "NAME", "a user of the ACL (default: none, so the password is that of the server)"}, \
    {"password-file", "FILE", "a file whose first line is the password"}, \
    {"tls", "on|off", "connect to the nodes by TLS, with the options ca, cert, key, name, crl and min"}, \
    {"ca", "FILE", "who must have signed the certificates of the nodes (default: the system's)"}, \
    {"cert", "FILE", "our certificate with its chain, where the nodes want one"}, \
    {"key", "FILE", "its key (default: the file of cert)"}, \
    {"name", "NAME", "what the certificates of the nodes must be for (default: the node's host)"}, \
    {"crl", "FILE", "lists of revoked certificates"}, \
    {"min", "1.2|1.3", "the lowest version of TLS (default 1.2)"}
/* clang-format on */

#endif
