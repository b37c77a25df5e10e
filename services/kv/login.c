/* SPDX-License-Identifier: MIT
 *
 * A face's login. The layers may need a while to hash a secret. The request is then decoded a second time, from
 * its copy, once they can say. */
#include <errno.h>
#include <string.h>

#include "session_private.h"

static void known(struct weft_request *request, int result)
{
    kv__session_run_known(request->data, request, result);
}

int kv_task_login(struct kv_task *task, struct weft_view user, struct weft_view secret)
{
    if (task->known)
        return task->login;
    task->request->data = task->session;
    struct weft_view first = task->request->payload;
    int result = weft_request_authenticate(task->request, user, secret, known);
    if (secret.size > 0)
        explicit_bzero((void *)(uintptr_t)secret.data, secret.size);
    /* The layers may have made the request keep its payload, and the copy has the secret, too. */
    struct weft_view kept = task->request->payload;
    if (kept.data != first.data && secret.data >= first.data &&
        secret.data + secret.size <= first.data + first.size)
        explicit_bzero((void *)(uintptr_t)(kept.data + (secret.data - first.data)), secret.size);
    return result;
}

void kv_task_log_in(struct kv_task *task, struct weft_view user, struct weft_view secret)
{
    static const struct weft_action action = {.name = "login", .flags = WEFT_ACTION_OPEN};
    struct kv_reply reply;
    if (!kv_task_ask(task, &action))
        return;
    task->call.command = NULL; /* no command is executed */
    switch (kv_task_login(task, user, secret)) {
    case -EINPROGRESS:
        return;
    case 1:
        kv_reply_text(&reply, KV_OK, "");
        reply.text.count = 0;
        kv_task_answer(task, &reply, false);
        return;
    case 0:
        kv_task_refuse(task, KV_NOT_KNOWN, "Not known: the user or the password is wrong", false);
        return;
    case -ENOTSUP:
        kv_task_refuse(task, KV_NOT_IMPLEMENTED, "Not possible: the server has no users", false);
        return;
    case -EBUSY:
        kv_task_refuse(task, KV_TOO_OFTEN, "Too many logins at once: try again later", false);
        return;
    default:
        kv_task_refuse_no_memory(task);
        return;
    }
}
