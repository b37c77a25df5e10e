/* SPDX-License-Identifier: MIT
 *
 * Posts to a real loop from other threads. */
#include <pthread.h>

#include "core/base/compiler.h"
#include "loop_fixture.h"

enum { POSTERS = 4, POSTS = 5000 };

struct numbered_post {
    struct weft_post post;
    struct poster *poster;
    int number;
};

struct poster {
    pthread_t thread;
    struct weft_loop *loop;
    int next, failed; /* next: the number expected on the loop's thread */
    int *left;        /* posts not run yet, of all posters */
    struct numbered_post posts[POSTS];
};

static void on_numbered_post(struct weft_post *base)
{
    struct numbered_post *post = weft_container_of(base, struct numbered_post, post);

    assert_int_equal(post->number, post->poster->next);
    post->poster->next++;
    if (--*post->poster->left == 0)
        weft_loop_stop(post->poster->loop);
}

static void *post_all(void *arg)
{
    struct poster *poster = arg;
    int i;

    for (i = 0; i < POSTS; i++)
        poster->failed |= weft_loop_post(poster->loop, &poster->posts[i].post);
    return NULL;
}

static void test_posts_of_each_thread_run_in_their_order(void **state)
{
    static struct poster posters[POSTERS];
    int left = POSTERS * POSTS, i, j;

    for (i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = *state, .left = &left};
        for (j = 0; j < POSTS; j++)
            posters[i].posts[j] = (struct numbered_post){{.run = on_numbered_post}, &posters[i], j};
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    weft_loop_run(*state);
    for (i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(posters[i].failed, 0);
        assert_int_equal(posters[i].next, POSTS);
    }
}

struct counted_post {
    struct weft_post post;
    int runs;
};

static void on_counted_post(struct weft_post *post)
{
    weft_container_of(post, struct counted_post, post)->runs++;
}

struct late_poster {
    struct weft_loop *loop;
    struct counted_post posts[POSTS];
    int taken;
};

struct stop_post {
    struct weft_post post;
    struct weft_loop *loop;
};

static void on_stop_post(struct weft_post *post)
{
    weft_loop_stop(weft_container_of(post, struct stop_post, post)->loop);
}

static struct stop_post stop_post = {.post.run = on_stop_post};

/* Stops the loop in the midst of its posts, and goes on until it is refused. */
static void *post_until_refused(void *arg)
{
    struct late_poster *poster = arg;
    int i;

    for (i = 0; i < POSTS; i++) {
        if (i == 10 && weft_loop_post(poster->loop, &stop_post.post) < 0)
            break;
        if (weft_loop_post(poster->loop, &poster->posts[i].post) < 0)
            break;
        poster->taken++;
    }
    return NULL;
}

static void test_every_post_that_was_taken_is_run_and_no_other(void **state)
{
    static struct late_poster poster;
    pthread_t thread;
    int i;

    poster = (struct late_poster){.loop = *state};
    stop_post.loop = *state;
    for (i = 0; i < POSTS; i++)
        poster.posts[i].post.run = on_counted_post;
    assert_int_equal(pthread_create(&thread, NULL, post_until_refused, &poster), 0);
    weft_loop_run(*state);
    pthread_join(thread, NULL);
    for (i = 0; i < POSTS; i++)
        assert_int_equal(poster.posts[i].runs, i < poster.taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_posts_of_each_thread_run_in_their_order),
        TEST(test_every_post_that_was_taken_is_run_and_no_other),
    };

    return cmocka_run_group_tests_name("loop threads", tests, NULL, NULL);
}
