/*
 * klog.c: a log for each CPU, the last KLOG_LINES lines of it.
 */
#include "klog.h"

#include "nmi.h"
#include "string.h"

struct klog klogs[MAX_CPUS];

/* The line is taken before it is counted, so a second writer in between would take the same one. */
void klog_put(const char *text)
{
    struct klog *log = &klogs[this_cpu()->id];
    uint32_t     number = log->count;
    strlcpy(log->line[number % KLOG_LINES], text, LOG_LINE_SIZE);
    __atomic_store_n(&log->count, number + 1, __ATOMIC_RELEASE); /* the line comes before its number */
}
