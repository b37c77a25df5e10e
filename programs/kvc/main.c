/* SPDX-License-Identifier: MIT */
#include "main.h"

#include <string.h>
#include <unistd.h>

#include "admin/admin.h"
#include "bulk/batch.h"
#include "core/plugin.h"
#include "bench/bench.h"
#include "programs/lib/descriptors.h"
#include "bulk/export.h"
#include "command_help.h"
#include "bulk/import.h"
#include "journal.h"
#include "prompt/interactive.h"
#include "programs/lib/output.h"
#include "run.h"
#include "secret.h"
#include "signals.h"
#include "subscribe.h"
#include "watch.h"

static enum cli_exit run_one(struct cli_run *run, const struct kvc_config *config)
{
    const struct cli_value_source source = {.file_max = config->limits.max_message,
                                            .standard_input = true};
    struct cli_invocation invocation;
    struct weft_error error;
    if (cli_invocation_init_with(&invocation, config->common.words, config->common.word_count,
                                 &config->command, &source, &error) < 0)
        return cli_run_fail(run, CLI_EXIT_USAGE, error.text);
    enum cli_exit code = cli_run_invocation(run, &invocation);
    cli_invocation_fini(&invocation);
    return code;
}

/* name NULL: all commands. */
static enum cli_exit help(const struct cli_run *run, const char *name)
{
    struct weft_error error;
    if (cli_help_print_command(name, false, run->out))
        return CLI_EXIT_DONE;
    (void)cli_command_find(name, &error);
    return cli_run_fail(run, CLI_EXIT_USAGE, error.text);
}

/* Gets the password before anything is sent, and before the prompt of the editor. */
static enum cli_exit ask_secret(struct cli_run *run, struct weft_error *error)
{
    if (kvc_secret_init(run->session->secret, run->session->config, error) == 0)
        return CLI_EXIT_DONE;
    char text[sizeof error->text];
    memcpy(text, error->text, sizeof text);
    (void)snprintf(error->text, sizeof error->text, "no password for --user: %.400s", text);
    return cli_run_fail(run, CLI_EXIT_USAGE, error->text);
}

/* A prompt on a terminal, and a batch of what is piped in, be it nothing. */
static enum cli_exit run_input(struct cli_run *run, struct weft_error *error)
{
    bool is_prompt = isatty(STDIN_FILENO);
    if (!is_prompt || isatty(fileno(run->out))) {
        enum cli_exit code = ask_secret(run, error);
        return code != CLI_EXIT_DONE ? code
               : is_prompt           ? cli_interactive(run)
                                     : cli_batch(run, NULL);
    }
    weft_error_set(error, WEFT_ECONFIG,
                   "no command given: kvc [OPTION]... COMMAND ARGUMENT..., see --help");
    return cli_run_fail(run, CLI_EXIT_USAGE, error->text);
}

/* With --all, import and export take no table: as many words less. */
static int check_all(const struct cli_command *command, size_t count, struct weft_error *error)
{
    size_t least = command->shape == CLI_IMPORT ? 1 : 0;
    size_t most = command->shape == CLI_FOLLOW ? 0 : 1;
    if (count >= least && count <= most)
        return 0;
    return weft_error_set(error, WEFT_ECONFIG, "wrong number of arguments; usage: kvc %s %s",
                          command->name, cli_shape_arguments_of_all(command->shape));
}

static int check(const struct kvc_config *config, const struct cli_command *command,
                 struct weft_error *error)
{
    size_t count = config->common.word_count - 1;
    return config->all_tables ? check_all(command, count, error)
                              : cli_command_check(command, count, error);
}

static enum cli_exit run_command(struct cli_run *run, const struct kvc_config *config,
                                 const struct cli_command *command)
{
    char *const *words = config->common.words;
    switch (command->shape) {
    case CLI_BATCH:
        return cli_batch(run, config->common.word_count > 1 ? words[1] : NULL);
    case CLI_IMPORT:
        return config->all_tables ? cli_import(run, NULL, words[1])
                                  : cli_import(run, words[1], words[2]);
    case CLI_EXPORT:
        /* words ends in NULL. */
        return config->all_tables ? cli_export(run, NULL, words[1])
                                  : cli_export(run, words[1], words[2]);
    case CLI_BACKUP:
        return cli_backup(run, words[1]);
    case CLI_RESTORE:
        return cli_import(run, NULL, words[1]);
    case CLI_FOLLOW:
        return config->all_tables ? cli_watch(run, NULL, NULL) : cli_watch(run, words[1], words[2]);
    case CLI_TOPICS:
        return cli_subscribe(run, words + 1, config->common.word_count - 1);
    case CLI_ADMIN:
    case CLI_ADMIN_CONNECTION:
    case CLI_ADMIN_LEVEL:
        return cli_admin(run, command, config->common.word_count > 1 ? words[1] : NULL);
    case CLI_BENCH:
        return cli_bench(run);
    default:
        return run_one(run, config);
    }
}

static enum cli_exit dispatch(struct cli_run *run, const struct kvc_config *config)
{
    struct weft_error error;
    if (config->common.word_count == 0)
        return run_input(run, &error);
    char *const *words = config->common.words;
    const struct cli_command *command = cli_command_find(words[0], &error);
    if (!command || check(config, command, &error) < 0 || cli_run_check(run, command, &error) < 0)
        return cli_run_fail(run, CLI_EXIT_USAGE, error.text);
    if (command->shape == CLI_HELP)
        return help(run, config->common.word_count > 1 ? words[1] : NULL);
    if (command->shape == CLI_JOURNAL)
        return cli_journal(run, words[1]);
    enum cli_exit code = ask_secret(run, &error);
    return code == CLI_EXIT_DONE ? run_command(run, config, command) : code;
}

static enum cli_exit serve(const struct kvc_config *config, struct weft_registry *registry,
                           FILE *out, FILE *err)
{
    struct cli_session session;
    struct kvc_secret secret = {0};
    struct weft_error error;
    struct cli_run run = {.session = &session, .out = out, .err = err, .format = config->format};
    for (size_t i = 0; i < config->plugins.count; i++) {
        if (!weft_plugin_load(registry, config->plugins.paths[i], &error))
            return cli_run_fail(&run, CLI_EXIT_USAGE, error.text);
    }
    enum cli_exit code = cli_session_init(&session, config, registry, &error);
    if (code != CLI_EXIT_DONE)
        return cli_run_fail(&run, code, error.text);
    session.secret = &secret;
    code = dispatch(&run, config);
    cli_session_fini(&session);
    kvc_secret_fini(&secret);
    return code;
}

/* Looked for before the options are read, because what is wrong with them is said as JSON too. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return true;
    }
    return false;
}

static enum cli_exit run_line(struct weft_registry *registry, int argc, char **argv, FILE *out,
                              FILE *err)
{
    struct cli_table table;
    struct kvc_config config;
    struct weft_error error;
    kvc_table_init(&table);
    struct cli_run run = {.out = out, .err = err};
    if (wants_json(argc, argv))
        run.format = CLI_JSON;
    if (kvc_parse(&config, &table, argc, argv, &error) < 0)
        return cli_run_fail(&run, CLI_EXIT_USAGE, error.text);
    if (kvc_help_answer(&config, &table, out))
        return CLI_EXIT_DONE;
    return serve(&config, registry, out, err);
}

enum cli_exit cli_kvc_main(struct weft_registry *registry, int argc, char **argv, FILE *out,
                           FILE *err)
{
    cli_hold_descriptors();
    cli_signals_init();
    enum cli_exit code = run_line(registry, argc, argv, out, err);
    bool printed = cli_flush_stdout(out, err, "kvc");
    return printed || code != CLI_EXIT_DONE ? code : CLI_EXIT_REFUSED;
}
