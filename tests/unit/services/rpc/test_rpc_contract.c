/* SPDX-License-Identifier: MIT */
#include "rpc_fixture.h"
#include "suites/service_suite.h"

int main(void)
{
    uint8_t frames[3][1024];
    char posts[3][1024];
    struct rpc_world world;
    int failed = 0;
    if (!rpc_world_init(&world))
        return 1;
    const struct weft_view of_frames[] = {
        weft_view(frames[0], rpc_frame(frames[0], "Say", "hello", 1, 0)),
        weft_view(frames[1], rpc_frame(frames[1], "Stream", "hello", 3, 0)),
        weft_view(frames[2], rpc_frame(frames[2], "Say", "fail", 5, 20)),
    };
    const struct weft_view of_http[] = {
        weft_view(posts[0], rpc_post(posts[0], sizeof posts[0], "/sample.Sample/Say", "",
                                     "{\"text\":\"hello\"}")),
        weft_view(posts[1], rpc_post(posts[1], sizeof posts[1], "/sample.Sample/Stream", "",
                                     "{\"text\":\"fail\",\"count\":3}")),
        weft_view(posts[2], rpc_post(posts[2], sizeof posts[2], "/sample.Sample/None", "", "{}")),
    };
    for (int face = 0; face < WEFT__RPC_FACES; face++)
        failed += weft_service_suite_run(&(struct weft_service_suite){
            .service = &world.rpc->services[face],
            .context = &world.rpc->served[face],
            .samples = face == FRAMES ? of_frames : of_http,
            .sample_count = 3,
        });
    rpc_world_fini(&world);
    return failed;
}
