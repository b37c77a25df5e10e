/* SPDX-License-Identifier: MIT
 *
 * Lines that a subscriber is sent. Each begins with a word, while a reply begins with a number, so that a script can
 * tell them apart. Private to faces/line. */
#ifndef KV_LINE_TOPICS_H
#define KV_LINE_TOPICS_H

#include "services/kv/subscription.h"

extern const struct kv_topic_face kv_line_topic_face;

#endif
