/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <errno.h>
#include <math.h>
#include <sys/random.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "keys.h"

/* Bits of resp_task.options. */
enum random_option { COUNTED = 1, REPEATS = 2, WITH_VALUES = 4 };

/* Returns a number that is at least 0 and below 1 (xorshift64*). */
static double uniform(struct resp_task *task)
{
    uint64_t x = task->random.state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    task->random.state = x;
    return (double)((x * 0x2545f4914f6cdd1du) >> 11) / (double)(UINT64_C(1) << 53);
}

/* Begins to pick `picks` of `total`. */
static void begin_picking(struct resp_task *task, uint64_t picks, uint64_t total)
{
    struct resp_random *random = &task->random;
    *random = (struct resp_random){.left = picks, .total = total, .take = task->base.call.pair};
    if (getrandom(&random->state, sizeof random->state, GRND_NONBLOCK) < 0 || random->state == 0)
        random->state = (uint64_t)(uintptr_t)task | 1;
}

/* Returns how often the next pair is picked, each pair at most once: with as much probability as picks are left per
 * pair that is left. */
static uint64_t pick_once(struct resp_task *task)
{
    struct resp_random *random = &task->random;
    uint64_t behind = random->total > random->seen ? random->total - random->seen : 1;
    random->seen++;
    if (random->left == 0 || uniform(task) * (double)behind >= (double)random->left)
        return 0;
    random->left--;
    return 1;
}

/* Returns how often the next pair is picked, where a pair may be several times. The places of the picks are
 * drawn in ascending order: of k numbers between x and 1, the least is x + (1 - x) * (1 - u^(1/k)). */
static uint64_t pick_often(struct resp_task *task)
{
    struct resp_random *random = &task->random;
    uint64_t times = 0;
    random->seen++;
    while (random->left > 0) {
        if (!random->drawn) {
            double u = 1 - uniform(task); /* above 0 */
            random->place += (1 - random->place) * (1 - pow(u, 1 / (double)random->left));
            random->drawn = true;
        }
        bool is_last = random->seen >= random->total;
        if (!is_last && random->place * (double)random->total >= (double)random->seen)
            break;
        random->drawn = false;
        random->left--;
        times++;
    }
    return times;
}

/* Takes the pairs that are picked. */
static bool take_picked(struct kv_call *call, const struct kv_pair *pair)
{
    struct resp_task *task = resp_task_of(weft_container_of(call, struct kv_task, call));
    uint64_t times = task->options & REPEATS ? pick_often(task) : pick_once(task);
    while (times-- > 0)
        if (!task->random.take(call, pair))
            return false;
    return task->random.left > 0;
}

/* Keeps the name of the one pair that is picked. */
static bool keep_picked(struct kv_call *call, const struct kv_pair *pair)
{
    struct resp_task *task = resp_task_of(weft_container_of(call, struct kv_task, call));
    bool is_name = call->command->does == KV_TABLES;
    if (is_name && weft_view_equal(pair->key, resp_strings(task)))
        return true;
    if (pick_once(task) == 0)
        return true;
    uint8_t *copy = weft_arena_alloc(weft_request_arena(task->base.request), pair->key.size);
    if (!copy) {
        task->base.pairs_error = -ENOMEM;
        return false;
    }
    if (pair->key.size > 0)
        memcpy(copy, pair->key.data, pair->key.size);
    (void)resp_bulk(task, weft_view(copy, pair->key.size));
    return false;
}

/* --- HRANDFIELD ------------------------------------------------------------------------------------ */

/* Stage 0: the fields were counted. 1: some were picked. 2: there are none, and the name was looked for
 * among the strings. */
static bool hrandfield_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task) || task->stage == 1)
        return false;
    if (task->stage == 2)
        return resp_found_string(task) && resp_wrong_type(task);
    uint64_t total = base->call.op.total;
    if (total == 0) {
        task->stage = 2;
        resp_look_for_string(task, task->args[1]);
        return true;
    }
    uint64_t picks = (uint64_t)task->integer;
    if (!(task->options & REPEATS) && picks > total)
        picks = total;
    if (picks == 0)
        return false;
    task->stage = 1;
    begin_picking(task, picks, total);
    base->call.pair = task->options & COUNTED ? take_picked : keep_picked;
    resp_operate(task, RESP_WALK, task->args[1], NULL, 1);
    return true;
}

/* Reads the arguments behind the key. False: the reply says what is wrong. */
static bool read_picks(struct resp_task *task)
{
    int64_t count;
    if (!resp_parse_integer(task->args[2], &count))
        return resp_error(task, "ERR value is not an integer or out of range");
    if (task->count > 4 || (task->count == 4 && !resp_is_word(task->args[3], "WITHVALUES")))
        return resp_syntax_error(task);
    if (count < -INT64_MAX / 2 || count > INT64_MAX / 2)
        return resp_error(task, "ERR value is out of range");
    task->options = COUNTED | (count < 0 ? REPEATS : 0) | (task->count == 4 ? WITH_VALUES : 0);
    task->integer = count < 0 ? -count : count;
    return true;
}

bool resp_begin_hrandfield(struct resp_task *task)
{
    task->integer = 1;
    if (task->count > 2 && !read_picks(task))
        return resp_answer(task);
    if (!resp_knows_hashes(task)) {
        (void)resp_error(task, "ERR hrandfield is not possible with this store");
        return resp_answer(task);
    }
    task->form = task->options & COUNTED ? RESP_FORM_PAIRS : RESP_FORM_NIL;
    task->part = task->options & WITH_VALUES ? RESP_PART_BOTH : RESP_PART_KEYS;
    task->as_nested = true;
    resp_operate(task, RESP_COUNT, task->args[1], NULL, 1);
    kv_task_in_steps(&task->base, hrandfield_step);
    return true;
}

/* --- RANDOMKEY ------------------------------------------------------------------------------------- */

/* Stage 2: the strings were walked; 3: the hashes. The stages before are those of counting (keys.h). */
static bool randomkey_step(struct kv_task *base)
{
    struct resp_task *task = resp_task_of(base);
    if (!resp_is_done(task) || task->form == RESP_FORM_BULK || task->stage++ > 2)
        return false;
    resp_operate(task, RESP_NAMES, weft_view(NULL, 0), NULL, 1);
    return true;
}

static bool pick_name(struct resp_task *task)
{
    task->form = RESP_FORM_NIL;
    if (task->integer == 0)
        return false;
    begin_picking(task, 1, (uint64_t)task->integer);
    task->base.call.pair = keep_picked;
    resp_operate(task, RESP_WALK, resp_strings(task), NULL, 1);
    kv_task_in_steps(&task->base, randomkey_step);
    return true;
}

bool resp_begin_randomkey(struct resp_task *task)
{
    if (resp_knows_hashes(task))
        return resp_begin_counting(task, pick_name);
    (void)resp_error(task, "ERR randomkey is not possible with this store");
    return resp_answer(task);
}
