/* SPDX-License-Identifier: MIT */
#include "endpoints.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const struct endpoint *endpoints(void)
{
    static const struct endpoint all[ENDPOINTS_MAX + 1] = {
        {"tcp", "tcp://127.0.0.1:0", true, false},
        {"tcp-raw", "tcp://127.0.0.1:0", false, false},
        {"unix", NULL, true, false},
        {"yamux", "yamux://127.0.0.1:0", true, false},
        {"yamux-raw", "yamux://127.0.0.1:0", false, false},
#ifdef SOAK_WEBSOCKET
        {"ws", "ws://127.0.0.1:0/", true, false},
        {"ws-raw", "ws://127.0.0.1:0/", false, false},
#endif
#ifdef SOAK_TLS
        {"tls", "tls://127.0.0.1:0", true, true},
        {"tls-raw", "tls://127.0.0.1:0", false, true},
#endif
#if defined SOAK_TLS && defined SOAK_WEBSOCKET
        {"wss", "wss://127.0.0.1:0/", true, true},
#endif
    };
    return all;
}

unsigned endpoints_count(void)
{
    unsigned count = 0;
    while (endpoints()[count].name)
        count++;
    return count;
}

unsigned endpoints_pick(bool gzip, unsigned turn)
{
    for (unsigned i = 0;; i = (i + 1) % endpoints_count()) {
        if (endpoints()[i].gzip == gzip && turn-- == 0)
            return i;
    }
}

/* Starts kvs --make-certificate, and waits for it. */
static void make_certificates(const char *folder)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nowhere < 0 || dup2(nowhere, STDOUT_FILENO) < 0)
            _exit(126);
        execl(KVS_PATH, KVS_PATH, "--make-certificate", folder, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        errx(1, "kvs makes no certificates");
}

static void put_url(char *url, size_t size, const struct endpoint *endpoint, const char *folder)
{
    const char *codec = endpoint->gzip ? "length-delimited-gzip" : "raw";
    if (!endpoint->address)
        snprintf(url, size, "unix:%s/socket?codec=%s", folder, codec);
    else if (endpoint->tls)
        snprintf(url, size, "%s?codec=%s&cert=%s/server.pem&key=%s/server.key", endpoint->address,
                 codec, folder, folder);
    else
        snprintf(url, size, "%s?codec=%s", endpoint->address, codec);
}

void endpoints_init(struct endpoints_files *files)
{
    char folder[] = "/tmp/weft-soak-XXXXXX";
    bool tls = false;
    if (!mkdtemp(folder))
        err(1, "cannot make a folder");
    memcpy(files->folder, folder, sizeof folder);
    for (unsigned i = 0; i < endpoints_count(); i++) {
        put_url(files->urls[i], sizeof *files->urls, &endpoints()[i], folder);
        tls |= endpoints()[i].tls;
    }
    if (tls) {
        make_certificates(folder);
        snprintf(files->ca, sizeof files->ca, "%s/ca.pem", folder);
    }
}

void endpoints_fini(const struct endpoints_files *files)
{
    static const char *const names[] = {"ca.key",     "ca.pem",     "client.key", "client.pem",
                                        "server.key", "server.pem", "socket"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", files->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(files->folder);
}
