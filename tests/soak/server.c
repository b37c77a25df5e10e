/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS_MAX = 48, LOG_SHOWN = 64 * 1024 };

static void add_words(char **words, const char *const *more)
{
    size_t count = 0;
    while (words[count])
        count++;
    for (; *more && count < WORDS_MAX; more++)
        words[count++] = strdup(*more);
}

static _Noreturn void run_child(const char *const *runner, const char *const *options, int out,
                                int log)
{
    char *words[WORDS_MAX + 1] = {NULL};
    if (runner)
        add_words(words, runner);
    add_words(words, (const char *const[]){KVS_PATH, NULL});
    add_words(words, options);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    execvp(words[0], words);
    _exit(127);
}

/* "listening tcp://127.0.0.1:43210 codec=raw service=kv" */
static void read_url(struct server *server, FILE *out)
{
    char line[256];
    char *url = server->urls[server->url_count++];
    if (!fgets(line, sizeof line, out) || sscanf(line, "listening %127s", url) != 1)
        errx(1, "kvs does not listen: %s", server_log(server));
}

void server_start(struct server *server, const char *const *runner, unsigned url_count,
                  const char *const *options)
{
    int out[2];
    *server = (struct server){.log = memfd_create("kvs-log", MFD_CLOEXEC)};
    if (server->log < 0 || pipe2(out, O_CLOEXEC) < 0)
        err(1, "cannot start kvs");
    fflush(NULL);
    server->pid = fork();
    if (server->pid < 0)
        err(1, "cannot start kvs");
    if (server->pid == 0)
        run_child(runner, options, out[1], server->log);
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    if (!lines)
        err(1, "cannot read what kvs says");
    for (unsigned i = 0; i < url_count && i < SERVER_URLS_MAX; i++)
        read_url(server, lines);
    fclose(lines);
}

int server_stop(struct server *server)
{
    int status;
    kill(server->pid, SIGTERM);
    if (waitpid(server->pid, &status, 0) != server->pid)
        err(1, "cannot wait for kvs");
    server->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

char *server_log(const struct server *server)
{
    struct stat st;
    char *text = calloc(1, LOG_SHOWN + 1);
    if (!text || fstat(server->log, &st) < 0)
        err(1, "cannot read the log of kvs");
    off_t from = st.st_size > LOG_SHOWN ? st.st_size - LOG_SHOWN : 0;
    if (pread(server->log, text, LOG_SHOWN, from) < 0)
        err(1, "cannot read the log of kvs");
    return text;
}

void server_fini(struct server *server)
{
    close(server->log);
}

/* A file of /proc about the server; see proc(5). */
static FILE *open_proc(const struct server *server, const char *name, const char *mode)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)server->pid, name);
    FILE *file = fopen(path, mode);
    if (!file)
        errx(1, "kvs is gone: %s", server_log(server));
    return file;
}

static void read_memory(const struct server *server, struct server_usage *usage)
{
    char line[256];
    FILE *file = open_proc(server, "status", "r");
    while (fgets(line, sizeof line, file)) {
        (void)sscanf(line, "VmRSS: %" SCNu64, &usage->resident);
        (void)sscanf(line, "VmHWM: %" SCNu64, &usage->highest);
    }
    fclose(file);
    usage->resident *= 1024;
    usage->highest *= 1024;
}

static void read_cpu(const struct server *server, struct server_usage *usage)
{
    uint64_t user = 0, system = 0;
    FILE *file = open_proc(server, "stat", "r");
    /* The name in parentheses is "kvs"; utime and stime are the fields 14 and 15. */
    if (fscanf(file, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64,
               &user, &system) != 2)
        errx(1, "cannot read the time of kvs");
    fclose(file);
    usage->cpu_ns = (user + system) * (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void count_descriptors(const struct server *server, struct server_usage *usage)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)server->pid);
    DIR *folder = opendir(path);
    if (!folder)
        errx(1, "kvs is gone: %s", server_log(server));
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        usage->descriptors += entry->d_name[0] != '.';
    closedir(folder);
}

struct server_usage server_usage(const struct server *server)
{
    struct server_usage usage = {0};
    read_memory(server, &usage);
    read_cpu(server, &usage);
    count_descriptors(server, &usage);
    return usage;
}

void server_reset_highest(const struct server *server)
{
    FILE *file = open_proc(server, "clear_refs", "w");
    fputs("5", file);
    fclose(file);
}
