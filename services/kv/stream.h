/* SPDX-License-Identifier: MIT
 *
 * A face may begin two kinds of streams of messages, watches (watch.h) and subscriptions (subscription.h), which have
 * this in common. */
#ifndef KV_STREAM_H
#define KV_STREAM_H

#include <stdint.h>

/* The most bytes that a face writes before a stream of messages. */
enum { KV_STREAM_BEGIN_MAX = 1024 };

/* The nanoseconds between two signs of life in a stream, if its face wants them. */
#define KV_STREAM_PULSE (15 * INT64_C(1000000000))

#endif
