/* SPDX-License-Identifier: MIT
 *
 * Three parts link a run of kvs to the one before it, to the one after it and to the manager that starts them. */
#ifndef KVS_SERVICE_SERVICE_H
#define KVS_SERVICE_SERVICE_H

#include "handover.h"
#include "inheritance.h"
#include "manager.h"

struct kvs_service {
    struct kvs_inheritance inheritance;
    struct kvs_manager manager;
    struct kvs_handover handover;
};

#endif
