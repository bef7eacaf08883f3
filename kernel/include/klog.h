/*
 * klog.h: where nmi_log() lines end up.
 */
#ifndef CORRAL_KLOG_H
#define CORRAL_KLOG_H

#include <stdint.h>

#include "nmi.h"

#define KLOG_LINES 32

struct klog {
    uint32_t count;                           /* lines ever written; the line itself is there first */
    char     line[KLOG_LINES][LOG_LINE_SIZE]; /* line n is at n % KLOG_LINES */
};
extern struct klog klogs[MAX_CPUS];

#endif
