/* SPDX-License-Identifier: MIT */
#ifndef QUOTA_H
#define QUOTA_H

#include <weft/layer.h>

extern const struct weft_layer quota_layer;

#endif
