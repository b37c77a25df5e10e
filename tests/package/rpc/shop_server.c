/* SPDX-License-Identifier: MIT
 *
 * Serves shop/orders.proto, whose functions send back what they get: shop_server URL. */
#include <stdio.h>

#include "codecs/codecs.h"
#include "core/serve.h"
#include "orders.pb-c.h"
#include "services/rpc/rpc.h"
#include "transports/transports.h"

static void orders_place(Shop__Orders__V1__Orders_Service *service,
                         const Shop__Orders__V1__Order *request,
                         Shop__Orders__V1__Order_Closure closure, void *call)
{
    (void)service;
    closure(request, call);
}

static void orders_get_httpstatus(Shop__Orders__V1__Orders_Service *service,
                                  const Shop__Orders__V1__Nothing *request,
                                  Shop__Orders__V1__Nothing_Closure closure, void *call)
{
    (void)service;
    closure(request, call);
}

static void cleaner_clear(Shop__Orders__V1__Cleaner_Service *service,
                          const Google__Protobuf__Empty *request,
                          Google__Protobuf__Empty_Closure closure, void *call)
{
    (void)service;
    closure(request, call);
}

int main(int argc, char **argv)
{
    static const Shop__Orders__V1__Orders_Service orders = SHOP__ORDERS__V1__ORDERS__INIT(orders_);
    static const Shop__Orders__V1__Cleaner_Service cleaner =
        SHOP__ORDERS__V1__CLEANER__INIT(cleaner_);
    const struct weft_plugins plugins = {.transports = weft_transports_basic(),
                                         .codecs = weft_codecs_all()};
    struct weft_registry registry = {.frozen = false};
    struct weft_error error;
    struct weft_rpc *rpc = weft_rpc_new("shop");
    const bool served = weft_rpc_add(rpc, &orders.base, NULL, &error) == 0 &&
                        weft_rpc_add(rpc, &cleaner.base, NULL, &error) == 0 &&
                        weft_rpc_add_reflection(rpc, &error) == 0 &&
                        weft_rpc_register(rpc, &registry, &error) == 0 &&
                        weft_registry_add_all(&registry, &plugins, &error) == 0 &&
                        weft_serve(&registry, argc, argv, &error) == 0;
    if (!served)
        (void)fprintf(stderr, "shop_server: %s\n", error.text);
    weft_rpc_free(rpc);
    return served ? 0 : 1;
}
