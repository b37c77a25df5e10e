/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "format/json.h"
#include "format/value.h"
#include "programs/lib/output.h"
#include "services/kv/stores/journal/records/files.h"
#include "services/kv/stores/journal/records/stream.h"

struct reading {
    const struct cli_run *run;
    FILE *out;
    bool json;
    bool damaged; /* something is damaged or missing */
    char name[KV_FILE_NAME];
    struct kv_file file;
    uint64_t last; /* the number of the last change that was read */
    uint64_t at;   /* where the record begins that is read */
    struct kv_stream stream;
};

static void print_label(const struct reading *self)
{
    if (self->json)
        fprintf(self->out, "{\"file\": \"%s\", ", self->name);
    else
        fprintf(self->out, "# %s: ", self->name);
}

/* kind is for programs and text for people. */
static void print_damage(struct reading *self, uint64_t offset, uint64_t bytes, const char *kind,
                         const char *text)
{
    print_label(self);
    if (self->json)
        fprintf(self->out, "\"offset\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"damage\": \"%s\"}\n",
                offset, bytes, kind);
    else
        fprintf(self->out, "%" PRIu64 " bytes at byte %" PRIu64 " are no whole record: %s\n", bytes,
                offset, text);
}

static void note_damage(struct reading *self, uint64_t offset, uint64_t bytes)
{
    self->damaged = true;
    print_damage(self, offset, bytes, "damaged", "damaged");
}

/* Says that something is not there: text, with a number at its end. */
static void note_missing(struct reading *self, const char *text, uint64_t number)
{
    self->damaged = true;
    print_label(self);
    if (self->json)
        fprintf(self->out, "\"damage\": \"missing\", \"number\": %" PRIu64 "}\n", number);
    else
        fprintf(self->out, "%s %" PRIu64 "\n", text, number);
}

static void print_begin(const struct reading *self, const struct kv_record *record)
{
    bool is_journal = record->kind == KV_RECORD_JOURNAL;
    print_label(self);
    if (self->json)
        fprintf(self->out, "\"begins\": \"%s\", \"number\": %" PRIu64 "}\n",
                is_journal ? "journal" : "snapshot", record->number);
    else
        fprintf(self->out, "the changes %s number %" PRIu64 "\n", is_journal ? "after" : "up to",
                record->number);
}

static void print_end(const struct reading *self, const struct kv_record *record)
{
    uint64_t pairs = 0;
    struct weft_view rest = record->rest;
    (void)!kv_record_take_varint(&rest, &pairs);
    print_label(self);
    if (self->json)
        fprintf(self->out,
                "\"ends\": \"snapshot\", \"number\": %" PRIu64 ", \"pairs\": %" PRIu64 "}\n",
                record->number, pairs);
    else
        fprintf(self->out, "whole: %" PRIu64 " pairs, no change after number %" PRIu64 "\n", pairs,
                record->number);
}

static const char *name_of(const struct kv_record *record, const struct kv_record_change *change)
{
    return change->drop                      ? "drop"
           : change->removal                 ? "remove"
           : record->kind == KV_RECORD_PAIRS ? "pair"
                                             : "set";
}

static void print_json(const struct reading *self, const struct kv_record *record,
                       const struct kv_record_change *change, const struct weft_kv_value *value)
{
    FILE *out = self->out;
    print_label(self);
    fprintf(out,
            "\"offset\": %" PRIu64 ", \"number\": %" PRIu64 ", \"change\": \"%s\", \"table\": ",
            self->at, record->number, name_of(record, change));
    cli_json_print_string(out, record->table);
    if (!change->drop) {
        fputs(", \"key\": ", out);
        cli_json_print_string(out, change->key);
    }
    if (!change->drop && !change->removal) {
        fputs(", \"value\": ", out);
        cli_json_print_value(out, value);
    }
    if (change->expires != 0)
        fprintf(out, ", \"expires\": %" PRId64, change->expires);
    fputs("}\n", out);
}

static void print_text(const struct reading *self, const struct kv_record *record,
                       const struct kv_record_change *change, const struct weft_kv_value *value)
{
    FILE *out = self->out;
    fprintf(out, "%" PRIu64 "\t%s\t", record->number, name_of(record, change));
    cli_text_print_as(out, record->table, CLI_ESCAPE_LINE);
    if (!change->drop) {
        fputc('\t', out);
        cli_text_print_as(out, change->key, CLI_ESCAPE_LINE);
    }
    if (!change->drop && !change->removal) {
        fputc('\t', out);
        cli_value_print_typed(out, value, CLI_ESCAPE_LINE);
    }
    if (change->expires != 0)
        fprintf(out, "\t%" PRId64 ".%03" PRId64, change->expires / 1000, change->expires % 1000);
    fputc('\n', out);
}

/* Returns -EBADMSG if the changes of the record cannot be read. */
static int print_changes(const struct reading *self, const struct kv_record *record)
{
    struct weft_view rest = record->rest;
    struct kv_record_change change;
    struct weft_kv_value value = {.type = WEFT_KV_EMPTY};
    int n;
    while ((n = kv_record_next(&rest, &change)) > 0) {
        if (!change.drop && !change.removal && weft_kv_value_read(change.value, &value) < 0)
            return -EBADMSG;
        if (self->json)
            print_json(self, record, &change, &value);
        else
            print_text(self, record, &change, &value);
    }
    return n;
}

static bool fits(const struct reading *self, const struct kv_record *record)
{
    bool is_journal = self->file.kind == KV_FILE_JOURNAL;
    switch (record->kind) {
    case KV_RECORD_JOURNAL:
        return is_journal && self->at == 0 && record->number == self->file.number;
    case KV_RECORD_SNAPSHOT:
        return !is_journal && self->at == 0 && record->number == self->file.number;
    case KV_RECORD_CHANGES:
        return is_journal && self->at > 0 && record->number == self->last + 1;
    case KV_RECORD_PAIRS:
    case KV_RECORD_END:
        return !is_journal && self->at > 0;
    }
    return false;
}

static int print_record(struct reading *self, const struct kv_record *record)
{
    switch (record->kind) {
    case KV_RECORD_JOURNAL:
    case KV_RECORD_SNAPSHOT:
        print_begin(self, record);
        return 0;
    case KV_RECORD_END:
        print_end(self, record);
        return 0;
    case KV_RECORD_CHANGES:
        self->last = record->number;
        break;
    case KV_RECORD_PAIRS:
        break;
    }
    return print_changes(self, record);
}

/* Prints the records up to the end, or up to one that is not whole: then it returns -EBADMSG. */
static int print_records(struct reading *self)
{
    struct kv_record record;
    bool ended = self->file.kind == KV_FILE_JOURNAL;
    int n;
    self->last = self->file.number;
    for (;;) {
        self->at = self->stream.offset;
        n = kv_stream_next(&self->stream, &record);
        if (n <= 0)
            break;
        if (!fits(self, &record))
            return -EBADMSG;
        int err = print_record(self, &record);
        if (err < 0)
            return err;
        int written = ferror(self->out) ? cli_flush(self->out) : 0;
        if (written < 0)
            return written;
        ended = ended || record.kind == KV_RECORD_END;
    }
    if (n == 0 && !ended)
        note_missing(self, "the end of this snapshot is missing: it has the changes up to number",
                     self->file.number);
    return n;
}

/* The rest of the file at self->at is not whole. What a crash cuts off is at the end of the last journal, and
 * nothing behind it shows that it was on disk. */
static int print_rest(struct reading *self, bool is_last)
{
    struct kv_stream *stream = &self->stream;
    uint64_t bytes = stream->size - self->at;
    int proof = 1;
    if (is_last) {
        stream->begin = stream->end = 0;
        stream->offset = self->at;
        proof = kv_stream_proves(stream, self->at == 0 ? self->last : self->last + 1);
    }
    if (proof < 0)
        return proof;
    if (proof > 0)
        note_damage(self, self->at, bytes);
    else
        print_damage(self, self->at, bytes, "cut-off",
                     "a crash cut them off, and no answer said that they were on disk");
    return 0;
}

static int print_file(struct reading *self, int dir, bool is_last)
{
    int fd = kv_file_open_to_read(dir, self->file);
    if (fd == -ENOENT)
        return 0; /* removed since the directory was listed */
    if (fd < 0)
        return fd;
    int err = kv_stream_init(&self->stream, fd);
    if (err == 0) {
        err = print_records(self);
        if (err == -EBADMSG)
            err = print_rest(self, is_last && self->file.kind == KV_FILE_JOURNAL);
        kv_stream_fini(&self->stream);
    }
    close(fd);
    return err;
}

static void note_part(const struct reading *self)
{
    print_label(self);
    fputs(self->json ? "\"unfinished\": true}\n" : "a snapshot that is not finished; not read\n",
          self->out);
}

static int print_files(struct reading *self, int dir, const struct kv_file_list *list,
                       enum kv_file_kind kind)
{
    int err = 0;
    bool any = false;
    for (size_t i = 0; err == 0 && i < list->count; i++) {
        if (list->files[i].kind != kind)
            continue;
        self->file = list->files[i];
        kv_file_name(self->file, self->name);
        bool is_last = i + 1 == list->count || list->files[i + 1].kind != kind;
        if (kind == KV_FILE_JOURNAL && any && self->file.number != self->last)
            note_missing(self,
                         "this journal does not begin where the one before it ends, after number",
                         self->last);
        any = true;
        if (kind == KV_FILE_PART)
            note_part(self);
        else
            err = print_file(self, dir, is_last);
    }
    return err;
}

static int print_directory(struct reading *self, int dir)
{
    struct kv_file_list list;
    int err = kv_files_list(dir, &list);
    if (err < 0)
        return err;
    err = list.count == 0 ? -ENODATA : print_files(self, dir, &list, KV_FILE_SNAPSHOT);
    if (err == 0)
        err = print_files(self, dir, &list, KV_FILE_PART);
    if (err == 0)
        err = print_files(self, dir, &list, KV_FILE_JOURNAL);
    kv_files_fini(&list);
    return err;
}

enum cli_exit cli_journal(const struct cli_run *run, const char *path)
{
    struct reading self = {.run = run, .out = run->out, .json = run->format == CLI_JSON};
    struct weft_error error;
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = dir < 0 ? -errno : print_directory(&self, dir);
    if (dir >= 0)
        close(dir);
    if (err == 0)
        err = cli_flush(run->out);
    if (err == 0)
        return self.damaged ? CLI_EXIT_REFUSED : CLI_EXIT_DONE;
    if (err == -ENODATA)
        weft_error_set(&error, err,
                       "%.300s: there is no journal and no snapshot; DIR is that of kvs --store "
                       "memory:DIR",
                       path);
    else
        weft_error_set(&error, err, "cannot print %.300s%s%s: %s", path, self.name[0] ? "/" : "",
                       self.name, weft_strerror(err));
    return cli_run_fail(run, dir < 0 || err == -ENODATA ? CLI_EXIT_USAGE : CLI_EXIT_REFUSED,
                        error.text);
}
