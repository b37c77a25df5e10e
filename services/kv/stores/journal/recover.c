/* SPDX-License-Identifier: MIT */
#include "recover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/units.h"
#include "records/files.h"
#include "salvage.h"
#include "records/stream.h"

/* Progress is told once for so many bytes. */
enum { TELL_BYTES = 1 << 20 };

static int refuse(const struct kv_recovery *self, struct kv_file file, int err, const char *what,
                  struct weft_error *error)
{
    char name[KV_FILE_NAME];
    return weft_error_set(error, err, "memory store: %.200s/%s: %s", self->path,
                          kv_file_name(file, name), what);
}

static int refuse_errno(const struct kv_recovery *self, struct kv_file file, int err,
                        struct weft_error *error)
{
    return refuse(self, file, err, weft_strerror(err), error);
}

/* Damage at an offset of a file. */
static int refuse_damage(const struct kv_recovery *self, struct kv_file file, uint64_t offset,
                         struct weft_error *error)
{
    char what[160];
    (void)snprintf(
        what, sizeof what,
        "damaged at byte %" PRIu64 "; kvs --repair show says what dropping it would lose", offset);
    return refuse(self, file, -EBADMSG, what, error);
}

/* A damaged place is refused, or dropped with all behind it. */
static int meet_damage(struct kv_recovery *self, struct kv_file file, int fd, uint64_t offset,
                       struct weft_error *error)
{
    if (self->mode == KV_RECOVER_START)
        return refuse_damage(self, file, offset, error);
    int err = kv_salvage_cut(self, file, fd, offset);
    return err < 0 ? refuse_errno(self, file, err, error) : 0;
}

/* The end of the last journal is not whole, and was never acknowledged. */
static int cut_tail(const struct kv_recovery *self, struct kv_file file, int fd, uint64_t offset,
                    uint64_t size, struct weft_error *error)
{
    char name[KV_FILE_NAME];
    weft_log_write(self->log, WEFT_LOG_WARN, "journal-cut",
                   "file=%s offset=%" PRIu64 " bytes=%" PRIu64
                   " the end was not whole and had not been acknowledged",
                   kv_file_name(file, name), offset, size - offset);
    if (self->mode == KV_RECOVER_SHOW)
        return 0;
    if (ftruncate(fd, (off_t)offset) < 0 || fdatasync(fd) < 0)
        return refuse_errno(self, file, -errno, error);
    return 0;
}

static void tell(struct kv_recovery *self, uint64_t done)
{
    self->told = done;
    if (self->progress)
        self->progress->tell(self->progress, done, self->total, "bytes");
}

/* Called behind each record, with its end in the file. */
static void tell_some(struct kv_recovery *self, uint64_t offset)
{
    if (self->before + offset >= self->told + TELL_BYTES)
        tell(self, self->before + offset);
}

static int apply(struct kv_recovery *self, const struct kv_record *record, struct weft_error *error)
{
    return self->apply ? self->apply(self->owner, record, error) : 0;
}

/* Reads the records of a snapshot behind its first one, up to its end. -EBADMSG: damage at stream->offset. */
static int read_pairs(struct kv_recovery *self, struct kv_stream *stream, struct weft_error *error)
{
    struct kv_record record;
    uint64_t at = stream->offset;
    int n;
    for (; (n = kv_stream_next(stream, &record)) > 0; at = stream->offset) {
        if (record.kind == KV_RECORD_END) {
            self->least = record.number;
            self->end = at;
            return stream->offset == stream->size ? 0 : -EBADMSG;
        }
        if (record.kind != KV_RECORD_PAIRS)
            return -EBADMSG;
        int err = apply(self, &record, error);
        if (err < 0)
            return err;
        tell_some(self, stream->offset);
    }
    return n < 0 ? n : -EBADMSG;
}

/* Begins to read a file. Returns its descriptor, which the caller closes behind the stream's end, or what refuse_errno
 * does. */
static int open_stream(struct kv_recovery *self, struct kv_file file, struct kv_stream *stream,
                       struct weft_error *error)
{
    int fd = kv_file_open(self->dir, file);
    if (fd < 0)
        return refuse_errno(self, file, fd, error);
    int err = kv_stream_init(stream, fd);
    if (err == 0)
        return fd;
    close(fd);
    return refuse_errno(self, file, err, error);
}

static int read_snapshot(struct kv_recovery *self, struct kv_file file, struct weft_error *error)
{
    struct kv_stream stream;
    struct kv_record record;
    int fd = open_stream(self, file, &stream, error);
    if (fd < 0)
        return fd;
    *error = (struct weft_error){.text = ""};
    self->base = self->least = file.number;
    self->snapshot = stream.size;
    int err = kv_stream_next(&stream, &record);
    if (err >= 0)
        err = err > 0 && record.kind == KV_RECORD_SNAPSHOT && record.number == file.number
                  ? read_pairs(self, &stream, error)
                  : -EBADMSG;
    if (err == -EBADMSG)
        err = meet_damage(self, file, fd, stream.offset, error);
    else if (err < 0 && error->text[0] == '\0')
        refuse_errno(self, file, err, error);
    self->before += stream.size;
    kv_stream_fini(&stream);
    close(fd);
    return err;
}

/* Reads the changes of a journal behind its first record. Returns 0 at its end; -EBADMSG: there is no whole
 * change with the next number at *at. */
static int read_changes(struct kv_recovery *self, struct kv_stream *stream, uint64_t *at,
                        struct weft_error *error)
{
    struct kv_record record;
    int n;
    for (;;) {
        *at = stream->offset;
        n = kv_stream_next(stream, &record);
        if (n <= 0)
            return n;
        if (record.kind != KV_RECORD_CHANGES || record.number != self->last + 1)
            return -EBADMSG;
        if (record.number > self->base) {
            int err = apply(self, &record, error);
            if (err < 0)
                return err;
            self->changes++;
        }
        self->last = record.number;
        tell_some(self, stream->offset);
    }
}

/* A place of a journal where the next change is not whole. Returns 1 if nothing behind it may be read. */
static int end_journal(struct kv_recovery *self, struct kv_file file, struct kv_stream *stream,
                       uint64_t at, bool is_last, struct weft_error *error)
{
    int proof = 1;
    if (is_last) {
        stream->begin = stream->end = 0;
        stream->offset = at;
        /* The first record is on disk before any change is written. */
        proof = kv_stream_proves(stream, at == 0 ? self->last : self->last + 1);
        if (proof < 0)
            return refuse_errno(self, file, proof, error);
    }
    int err = proof ? meet_damage(self, file, stream->fd, at, error)
                    : cut_tail(self, file, stream->fd, at, stream->size, error);
    return err < 0 ? err : 1;
}

static int read_journal_stream(struct kv_recovery *self, struct kv_file file,
                               struct kv_stream *stream, bool is_last, struct weft_error *error)
{
    struct kv_record record;
    uint64_t at = 0;
    *error = (struct weft_error){.text = ""};
    self->last = file.number;
    int err = kv_stream_next(stream, &record);
    if (err >= 0)
        err = err > 0 && record.kind == KV_RECORD_JOURNAL && record.number == file.number
                  ? read_changes(self, stream, &at, error)
                  : -EBADMSG;
    if (err == -EBADMSG)
        return end_journal(self, file, stream, at, is_last, error);
    if (err < 0 && error->text[0] == '\0')
        return refuse_errno(self, file, err, error);
    return err;
}

/* Returns 1 if nothing behind this journal may be read. If it is the last one, its descriptor and where it
 * ends go to self->place. */
static int read_journal(struct kv_recovery *self, struct kv_file file, bool is_last,
                        struct weft_error *error)
{
    struct kv_stream stream;
    int fd = open_stream(self, file, &stream, error);
    if (fd < 0)
        return fd;
    uint64_t size = stream.size;
    int err = read_journal_stream(self, file, &stream, is_last, error);
    self->before += size;
    kv_stream_fini(&stream);
    off_t end = lseek(fd, 0, SEEK_END);
    size = end < 0 ? size : (uint64_t)end;
    self->place.total += size;
    if (err < 0 || !is_last || self->mode != KV_RECOVER_START) {
        close(fd);
        return err;
    }
    self->place.fd = fd;
    self->place.base = file.number;
    self->place.size = size;
    self->place.written = self->last;
    return err;
}

/* Returns the index of the journal where reading begins behind a snapshot of the number `base`. */
static size_t first_journal(const struct kv_file_list *list, uint64_t base)
{
    size_t first = 0;
    for (size_t i = 0; i < list->count && list->files[i].kind == KV_FILE_JOURNAL; i++)
        if (list->files[i].number <= base)
            first = i;
    return first;
}

/* Adds up the bytes of the files that will be read. One whose size is not known counts nothing. */
static void measure(struct kv_recovery *self, const struct kv_file_list *list, size_t newest)
{
    size_t first = first_journal(list, newest == SIZE_MAX ? 0 : list->files[newest].number);
    for (size_t i = first; i < list->count; i++) {
        char name[KV_FILE_NAME];
        struct stat info;
        bool is_read = list->files[i].kind == KV_FILE_JOURNAL || i == newest;
        if (is_read && fstatat(self->dir, kv_file_name(list->files[i], name), &info, 0) == 0)
            self->total += (uint64_t)info.st_size;
    }
}

/* Sets *first to the index of the journal where reading begins. */
static int find_first_journal(const struct kv_recovery *self, const struct kv_file_list *list,
                              size_t *first, struct weft_error *error)
{
    struct kv_file wanted = {KV_FILE_JOURNAL, self->base};
    size_t journals = 0;
    *first = first_journal(list, self->base);
    while (journals < list->count && list->files[journals].kind == KV_FILE_JOURNAL)
        journals++;
    /* A repair goes without. */
    if (self->mode != KV_RECOVER_START || (journals == 0 && self->least == self->base))
        return 0;
    if (journals == 0 || list->files[*first].number > self->base)
        return refuse(self, wanted, -ENOENT,
                      "this journal is missing; kvs --repair show says what going on without it "
                      "would lose",
                      error);
    return 0;
}

/* A journal from list->files[at] on begins behind the last change that was read, or before it. */
static int meet_gap(struct kv_recovery *self, const struct kv_file_list *list, size_t at,
                    struct weft_error *error)
{
    if (self->mode == KV_RECOVER_START)
        return refuse(self, list->files[at], -EBADMSG,
                      "does not begin where the journal before it ends; kvs --repair show says "
                      "what dropping it would lose",
                      error);
    return kv_salvage_set_aside(self, list, at, error);
}

static int read_journals(struct kv_recovery *self, const struct kv_file_list *list, size_t first,
                         struct weft_error *error)
{
    self->last = self->base;
    for (size_t i = first; i < list->count && list->files[i].kind == KV_FILE_JOURNAL; i++) {
        bool is_last = i + 1 == list->count || list->files[i + 1].kind != KV_FILE_JOURNAL;
        uint64_t number = list->files[i].number;
        if (number > self->last || (i > first && number != self->last))
            return meet_gap(self, list, i, error);
        int err = read_journal(self, list->files[i], is_last, error);
        if (err < 0)
            return err;
        if (err > 0 && !is_last)
            return kv_salvage_set_aside(self, list, i + 1, error);
    }
    return 0;
}

/* The snapshot may have some of the changes that the journals do not have. A repair lets it stand for its
 * own number alone, but numbers must not be used twice. */
static int meet_newer_snapshot(struct kv_recovery *self, struct weft_error *error)
{
    const struct kv_file file = {KV_FILE_SNAPSHOT, self->base};
    if (self->mode == KV_RECOVER_START || self->last < self->base)
        return refuse(self, file, -EBADMSG,
                      "the journals end before the changes that this snapshot may have; kvs "
                      "--repair show says what dropping them would lose",
                      error);
    int fd = kv_file_open(self->dir, file);
    if (fd < 0)
        return refuse_errno(self, file, fd, error);
    int err = kv_salvage_cut(self, file, fd, self->end);
    close(fd);
    return err < 0 ? refuse_errno(self, file, err, error) : 0;
}

/* Removes what is of no more use. A file that stays is no harm. */
static void tidy(const struct kv_recovery *self, const struct kv_file_list *list, size_t first)
{
    for (size_t i = 0; i < list->count; i++) {
        struct kv_file file = list->files[i];
        bool old_journal = file.kind == KV_FILE_JOURNAL && i < first;
        bool old_snapshot = file.kind == KV_FILE_SNAPSHOT && file.number < self->base;
        if (old_journal || old_snapshot || file.kind == KV_FILE_PART)
            (void)!kv_file_remove(self->dir, file);
    }
}

/* Begins the first journal, or one that a crash left without its first record. */
static int begin_journal(struct kv_recovery *self, struct weft_error *error)
{
    struct kv_journal_place *place = &self->place;
    struct kv_file file = {KV_FILE_JOURNAL, place->base};
    if (place->fd >= 0 && place->size > 0)
        return 0;
    if (place->fd < 0) {
        file.number = place->base = place->written = self->base;
        place->fd = kv_file_create(self->dir, file);
        if (place->fd < 0)
            return refuse_errno(self, file, place->fd, error);
    }
    ssize_t size = kv_file_begin(place->fd, KV_RECORD_JOURNAL, file.number, NULL);
    if (size < 0)
        return refuse_errno(self, file, (int)size, error);
    place->size = (uint64_t)size;
    return 0;
}

/* The changes that were read may not be on disk yet, if the process before this one was killed. */
static int settle(struct kv_recovery *self, struct weft_error *error)
{
    struct kv_file file = {KV_FILE_JOURNAL, self->place.base};
    int err = begin_journal(self, error);
    if (err < 0)
        return err;
    if (fdatasync(self->place.fd) < 0 || fsync(self->dir) < 0)
        return refuse_errno(self, file, -errno, error);
    return 0;
}

/* Returns the index of the newest snapshot, or SIZE_MAX: there is none. */
static size_t find_newest(const struct kv_file_list *list)
{
    size_t newest = SIZE_MAX;
    for (size_t i = 0; i < list->count; i++)
        if (list->files[i].kind == KV_FILE_SNAPSHOT)
            newest = i;
    return newest;
}

static bool read_seed(int fd, uint8_t seed[KV_FILE_SEED])
{
    struct kv_stream stream;
    struct kv_record record;
    const uint8_t *found = NULL;
    if (kv_stream_init(&stream, fd) < 0)
        return false;
    if (kv_stream_next(&stream, &record) > 0 && record.kind == KV_RECORD_SNAPSHOT)
        found = kv_file_seed(record.rest);
    if (found)
        memcpy(seed, found, KV_FILE_SEED);
    kv_stream_fini(&stream);
    return found != NULL;
}

bool kv_recover_seed(int dir, uint8_t seed[KV_FILE_SEED])
{
    struct kv_file_list list;
    if (kv_files_list(dir, &list) < 0)
        return false;
    size_t newest = find_newest(&list);
    int fd = newest == SIZE_MAX ? -1 : kv_file_open(dir, list.files[newest]);
    bool found = fd >= 0 && read_seed(fd, seed);
    if (fd >= 0)
        close(fd);
    kv_files_fini(&list);
    return found;
}

int kv_recover(struct kv_recovery *self, struct weft_error *error)
{
    struct kv_file_list list;
    size_t first = 0;
    self->place = (struct kv_journal_place){.fd = -1};
    int err = kv_files_list(self->dir, &list);
    if (err < 0)
        return weft_error_set(error, err, "memory store: %.300s: %s", self->path,
                              weft_strerror(err));
    size_t newest = find_newest(&list);
    measure(self, &list, newest);
    tell(self, 0);
    if (newest != SIZE_MAX)
        err = read_snapshot(self, list.files[newest], error);
    if (err == 0)
        err = find_first_journal(self, &list, &first, error);
    if (err == 0)
        err = read_journals(self, &list, first, error);
    if (err == 0 && self->last < self->least)
        err = meet_newer_snapshot(self, error);
    if (err == 0 && self->mode == KV_RECOVER_START) {
        err = settle(self, error);
        if (err == 0)
            tidy(self, &list, first);
    }
    if (err < 0 && self->place.fd >= 0)
        close(self->place.fd);
    kv_files_fini(&list);
    return err;
}
