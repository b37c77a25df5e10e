/* SPDX-License-Identifier: MIT */
#include "strings.h"

#include "core/base/compiler.h"
#include "expiry.h"

/* --- reading --------------------------------------------------------------------------------------- */

/* After a string was looked for: if it is not there, the name may be a hash. */
static bool string_or_wrong_type(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task) || (task->stage == 0 && task->items[0].present))
        return false;
    if (task->stage++ > 0)
        return resp_found_hash(task) && resp_wrong_type(task);
    resp_look_for_hash(task, task->args[1]);
    return true;
}

static bool begin_read(struct resp_task *task, enum resp_operation operation,
                       bool (*step)(struct kv_task *base))
{
    if (!resp_take_items(task, 1))
        return resp_answer(task);
    task->items[0].key = task->args[1];
    task->form = RESP_FORM_VALUE;
    resp_operate(task, operation, resp_strings(task), task->items, 1);
    if (step != string_or_wrong_type || resp_knows_hashes(task))
        kv_task_in_steps(&task->base, step);
    return true;
}

/* Goes on to the look for a hash, if there may be one. */
static bool absent(struct resp_task *task)
{
    return resp_knows_hashes(task) && string_or_wrong_type(&task->base);
}

bool resp_begin_get(struct resp_task *task)
{
    return begin_read(task, RESP_GET, string_or_wrong_type);
}

bool resp_begin_getdel(struct resp_task *task)
{
    return begin_read(task, RESP_DELETE, string_or_wrong_type);
}

static bool tell_length(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    char space[RESP_NUMBER_MAX];
    if (!resp_is_done(task))
        return false;
    (void)resp_integer(task, 0);
    if (task->stage > 0 || !task->items[0].present)
        return absent(task);
    return resp_integer(task, (int64_t)resp_value_text(task->items[0].found.bytes, space).size);
}

bool resp_begin_strlen(struct resp_task *task)
{
    return begin_read(task, RESP_GET, tell_length);
}

/* Sets *begin and *size to a range of `whole` bytes whose ends may count from the end. */
static void cut_range(int64_t first, int64_t last, size_t whole, size_t *begin, size_t *size)
{
    int64_t count = (int64_t)whole;
    *begin = *size = 0;
    if (first < 0 && last < 0 && first > last)
        return;
    first = first < 0 ? (first + count < 0 ? 0 : first + count) : first;
    last = last < 0 ? (last + count < 0 ? 0 : last + count) : last;
    last = last >= count ? count - 1 : last;
    if (count == 0 || first > last)
        return;
    *begin = (size_t)first;
    *size = (size_t)(last - first) + 1;
}

static bool tell_range(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    int64_t first = 0, last = 0;
    size_t begin, size;
    if (!resp_is_done(task))
        return false;
    (void)resp_bulk(task, weft_view(NULL, 0));
    if (task->stage > 0 || !task->items[0].present)
        return absent(task);
    (void)resp_parse_integer(task->args[2], &first);
    (void)resp_parse_integer(task->args[3], &last);
    struct weft_view text = resp_value_text(task->items[0].found.bytes, task->line);
    cut_range(first, last, text.size, &begin, &size);
    return resp_bulk(task, weft_view(text.data + begin, size));
}

bool resp_begin_getrange(struct resp_task *task)
{
    int64_t number;
    if (!resp_parse_integer(task->args[2], &number) ||
        !resp_parse_integer(task->args[3], &number)) {
        (void)resp_error(task, "ERR value is not an integer or out of range");
        return resp_answer(task);
    }
    return begin_read(task, RESP_GET, tell_range);
}

/* A name that is a hash has no value here, which in Redis is no error. */
bool resp_begin_mget(struct resp_task *task)
{
    if (!resp_take_items(task, task->count - 1))
        return resp_answer(task);
    for (size_t i = 0; i < task->item_count; i++)
        task->items[i].key = task->args[1 + i];
    task->form = RESP_FORM_VALUES;
    resp_operate(task, RESP_GET, resp_strings(task), task->items, task->item_count);
    return true;
}

/* --- writing --------------------------------------------------------------------------------------- */

enum string_option {
    SET_ABSENT = 1,  /* NX */
    SET_PRESENT = 2, /* XX */
    SET_GET = 4,
    SET_KEEP = 8,     /* KEEPTTL */
    SET_EXPIRES = 16, /* EX, PX, EXAT, PXAT */
    SET_PERSIST = 32, /* GETEX */
    SET_MANY = 64,    /* MSET, MSETNX: the keys are every other argument */
    SET_COUNTS = 128, /* the reply is 1 or 0 */
    SET_ALL = 256,    /* all or none */
};

static bool is_update(const struct resp_task *task)
{
    return task->options & ~(unsigned)(SET_MANY | SET_GET);
}

/* Makes the values and stores them. */
static bool put_strings(struct resp_task *task)
{
    bool is_setex =
        task->command->begin == resp_begin_setex || task->command->begin == resp_begin_psetex;
    for (size_t i = 0; i < task->item_count; i++) {
        size_t at = is_setex ? 3 : 2 + 2 * i;
        struct kv_item *item = &task->items[i];
        if (resp_value_make(task, task->args[at], &item->value) < 0) {
            while (i > 0)
                weft_blob_unref(task->items[--i].value.blob);
            return resp_no_memory(task);
        }
        item->expires = task->expires;
        item->update = &task->update;
        item->verdict = KV_VERDICT_STORE;
    }
    enum resp_operation operation = task->options & SET_ALL ? RESP_UPDATE_ALL
                                    : is_update(task)       ? RESP_UPDATE
                                                            : RESP_PUT;
    resp_operate(task, operation, resp_strings(task), task->items, task->item_count);
    task->stage = 2;
    return true;
}

static bool is_unmet(const struct resp_task *task)
{
    for (size_t i = 0; i < task->item_count; i++)
        if (task->items[i].verdict == KV_VERDICT_UNMET)
            return true;
    return false;
}

/* Makes the reply of a set that was, or was not, done. */
static bool tell_set(struct resp_task *task, bool is_set)
{
    task->base.call.reply.status = KV_OK;
    if (task->options & SET_COUNTS)
        return resp_integer(task, is_set);
    if (task->options & SET_GET) {
        task->form = RESP_FORM_VALUE;
        return false;
    }
    return is_set ? resp_status(task, "OK") : resp_nil(task);
}

/* A name that is a hash has been found. */
static bool replace_hash(struct resp_task *task)
{
    struct weft_view name = task->items[task->at].key;
    if (task->options & SET_GET)
        return resp_wrong_type(task);
    if (task->options & SET_ABSENT)
        return tell_set(task, false);
    if (!resp_may_drop(task, name))
        return false;
    task->update.when = KV_IF_ANY;
    task->stage = 1;
    resp_operate(task, RESP_DROP, name, NULL, 1);
    return true;
}

static bool look_at_next(struct resp_task *task)
{
    task->stage = 0;
    if (task->at == task->item_count)
        return put_strings(task);
    resp_look_for_hash(task, task->items[task->at].key);
    return true;
}

/* A plain SET stores first, since a name that had a string is no hash. Stage 0: it is stored. 1: the name was looked
 * for among the hashes. 2: a hash was removed. */
static bool plain_set_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    struct kv_item *item = &task->items[0];
    if (!resp_is_done(task) || task->stage == 2)
        return false;
    if (task->stage++ == 0) {
        if (item->present)
            return false;
        /* The session drops the blobs of the last operation alone. */
        weft_blob_unref(item->value.blob);
        resp_look_for_hash(task, item->key);
        return true;
    }
    if (!resp_found_hash(task))
        return false;
    resp_operate(task, RESP_DROP, item->key, NULL, 1);
    return true;
}

/* Stage 0: each name was looked for among the hashes. 1: one of those was removed. 2: all is stored. */
static bool set_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (task->stage == 2) {
        if (is_unmet(task))
            return tell_set(task, false);
        return resp_is_done(task) && tell_set(task, true);
    }
    if (!resp_is_done(task))
        return false;
    if (task->stage == 0 && resp_found_hash(task))
        return replace_hash(task);
    task->at++;
    return look_at_next(task);
}

static bool begin_set(struct resp_task *task, size_t count)
{
    if (!resp_take_items(task, count))
        return resp_answer(task);
    for (size_t i = 0; i < count; i++)
        task->items[i].key = task->args[1 + 2 * i];
    task->update = (struct kv_update){.then = KV_THEN_SET};
    if (task->options & SET_ABSENT)
        task->update.when = KV_IF_ABSENT;
    if (task->options & SET_PRESENT)
        task->update.when = KV_IF_PRESENT;
    if (is_update(task) &&
        !(kv_task_config(&task->base)->context->store->flags & KV_STORE_UPDATE)) {
        (void)resp_error(task, "ERR this store has no updates: only a plain SET works");
        return resp_answer(task);
    }
    kv_task_in_steps(&task->base, set_step);
    if (resp_knows_hashes(task))
        return look_at_next(task);
    return put_strings(task) || resp_answer(task);
}

/* Reads a word with a time behind it. Returns the number of words taken; 0: it is none; -1: it is wrong, and
 * the reply says so. */
static int read_time(struct resp_task *task, size_t at)
{
    static const struct {
        const char *word;
        enum resp_unit unit;
        bool absolute;
    } words[] = {{"EX", RESP_SECONDS, false},
                 {"PX", RESP_MILLISECONDS, false},
                 {"EXAT", RESP_SECONDS, true},
                 {"PXAT", RESP_MILLISECONDS, true}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!resp_is_word(task->args[at], words[i].word))
            continue;
        if (task->options & (SET_KEEP | SET_EXPIRES | SET_PERSIST) || at + 1 == task->count) {
            (void)resp_syntax_error(task);
            return -1;
        }
        /* The time is judged once all options are known to be good. */
        task->at = at + 1;
        task->stage = (int)words[i].unit + 2 * words[i].absolute;
        task->options |= SET_EXPIRES;
        return 2;
    }
    return 0;
}

static unsigned set_option(struct weft_view word, unsigned before)
{
    if (resp_is_word(word, "NX") && !(before & SET_PRESENT))
        return SET_ABSENT;
    if (resp_is_word(word, "XX") && !(before & SET_ABSENT))
        return SET_PRESENT;
    if (resp_is_word(word, "GET"))
        return SET_GET;
    if (resp_is_word(word, "KEEPTTL") && !(before & SET_EXPIRES))
        return SET_KEEP;
    return 0;
}

static unsigned getex_option(struct weft_view word, unsigned before)
{
    return resp_is_word(word, "PERSIST") && !(before & SET_EXPIRES) ? SET_PERSIST : 0;
}

/* Reads the options from the argument `at` on. False: the reply says what is wrong. */
static bool read_set_options(struct resp_task *task, size_t at,
                             unsigned (*option)(struct weft_view word, unsigned before))
{
    while (at < task->count) {
        int taken = read_time(task, at);
        if (taken < 0)
            return false;
        if (taken == 0) {
            unsigned bit = option(task->args[at], task->options);
            if (bit == 0)
                return resp_syntax_error(task);
            task->options |= bit;
            taken = 1;
        }
        at += (size_t)taken;
    }
    if (task->options & SET_EXPIRES &&
        !resp_read_expiry(task, task->args[task->at], (enum resp_unit)(task->stage & 1),
                          task->stage & 2, true, &task->expires))
        return false;
    if (task->options & SET_KEEP)
        task->expires = KV_KEEP_EXPIRY;
    task->at = 0;
    task->stage = 0;
    return true;
}

static bool begin_plain_set(struct resp_task *task)
{
    if (!resp_take_items(task, 1))
        return resp_answer(task);
    task->items[0].key = task->args[1];
    if (!put_strings(task))
        return resp_answer(task);
    task->stage = 0;
    kv_task_in_steps(&task->base, plain_set_step);
    return true;
}

bool resp_begin_set(struct resp_task *task)
{
    /* Layers may forbid to remove a hash, which has to be known before anything is stored. */
    if (task->count == 3 && resp_knows_hashes(task) && !task->base.request->layers)
        return begin_plain_set(task);
    if (!read_set_options(task, 3, set_option))
        return resp_answer(task);
    return begin_set(task, 1);
}

bool resp_begin_setnx(struct resp_task *task)
{
    task->options = SET_ABSENT | SET_COUNTS;
    return begin_set(task, 1);
}

static bool begin_setex(struct resp_task *task, enum resp_unit unit)
{
    task->options = SET_EXPIRES;
    if (!resp_read_expiry(task, task->args[2], unit, false, true, &task->expires))
        return resp_answer(task);
    return begin_set(task, 1);
}

bool resp_begin_setex(struct resp_task *task)
{
    return begin_setex(task, RESP_SECONDS);
}

bool resp_begin_psetex(struct resp_task *task)
{
    return begin_setex(task, RESP_MILLISECONDS);
}

bool resp_begin_getset(struct resp_task *task)
{
    task->options = SET_GET;
    return begin_set(task, 1);
}

static bool begin_many(struct resp_task *task, unsigned options)
{
    if (task->count % 2 == 0) {
        (void)resp_wrong_arity(task, task->command->name);
        return resp_answer(task);
    }
    task->options = SET_MANY | options;
    return begin_set(task, task->count / 2);
}

bool resp_begin_mset(struct resp_task *task)
{
    return begin_many(task, 0);
}

bool resp_begin_msetnx(struct resp_task *task)
{
    return begin_many(task, SET_ABSENT | SET_COUNTS | SET_ALL);
}

bool resp_begin_getex(struct resp_task *task)
{
    if (!read_set_options(task, 2, getex_option))
        return resp_answer(task);
    if (task->options == 0)
        return resp_begin_get(task);
    task->update = (struct kv_update){.then = KV_THEN_EXPIRE};
    bool begun = begin_read(task, RESP_UPDATE, string_or_wrong_type);
    if (begun) {
        task->items[0].update = &task->update;
        task->items[0].expires = task->expires;
    }
    return begun;
}
