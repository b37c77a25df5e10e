/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include <errno.h>

#include "services/kv/keyspace.h"

static const char all_letters[] = KV_KEYSPACE_LETTERS;

void resp_notify_get(const struct resp_task *task, char text[RESP_NOTIFY_MAX])
{
    unsigned flags = kv_keyspace_flags(kv_task_config(&task->base)->context->keyspace);
    if ((flags & KV_KEYSPACE_CLASSES) == KV_KEYSPACE_CLASSES) {
        *text++ = 'A';
        flags &= ~(unsigned)(KV_KEYSPACE_CLASSES | KV_KEYSPACE_NEW);
    }
    for (unsigned i = 0; all_letters[i]; i++)
        if (flags >> i & 1)
            *text++ = all_letters[i];
    *text = '\0';
}

/* False: there is a letter that Redis does not have. */
static bool read_letters(struct weft_view letters, unsigned *flags)
{
    *flags = 0;
    for (size_t i = 0; i < letters.size; i++) {
        char letter = (char)letters.data[i];
        const char *found = letter ? strchr(all_letters, letter) : NULL;
        if (letter == 'A')
            *flags |= KV_KEYSPACE_CLASSES;
        else if (found)
            *flags |= 1U << (found - all_letters);
        else
            return false;
    }
    return true;
}

static bool refuse(struct resp_task *task, int err)
{
    switch (err) {
    case -ENOTSUP:
        return resp_error(task, "ERR " RESP_NOTIFY " needs a store that tells its changes, and "
                                "changes=0 keeps it from that");
    case -ERANGE:
        return resp_error(task, "ERR the store has no place for a watch now: try again");
    default:
        return resp_no_memory(task);
    }
}

bool resp_notify_set(struct resp_task *task, struct weft_view letters)
{
    unsigned flags;
    if (!read_letters(letters, &flags)) {
        (void)resp_error(task,
                         "ERR CONFIG SET failed (possibly related to argument '" RESP_NOTIFY "') - "
                         "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        return resp_answer(task);
    }
    int err = kv_task_set_keyspace(&task->base, flags);
    if (err < 0)
        (void)refuse(task, err);
    return resp_answer(task);
}
