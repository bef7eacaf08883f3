/*
 * log.h: the kernel's own records in its log.
 */
#ifndef CORRAL_LOG_H
#define CORRAL_LOG_H

#include <stdint.h>

#include "sysnum.h"

/* Makes the kernel's log, from stage 6 on.  CPU 0, before the other CPUs are released. */
void kernel_log_init(void);

/* Adds a struct log_event, if there is room and it is stage 6.  Any level, any CPU, an NMI too. */
void log_event(enum log_kind kind, uintptr_t place);

/*
 * LOG_START or LOG_END of a thread's program; what CPU 0 starts, and what ends there.  The workers of
 * the others start children all the time, and would fill the log.  Any level, any CPU.
 */
void log_program(enum log_kind kind, uint32_t tid);

#endif
