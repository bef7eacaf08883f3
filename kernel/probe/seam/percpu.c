/*
 * percpu.c: functions around lab 2's macros for C, so that the host can call them.
 *
 * The files of this folder include headers of the labs; they are compiled anew for each lab.
 */
#include "percpu.h"
#include "percpu_ops.h"
#include "probe.h"

uintptr_t probe_percpu_read(void)
{
    return percpu_read(probe.word);
}

void probe_percpu_write(uintptr_t value)
{
    percpu_write(probe.word, value);
}

/* Three widths with one number: each must carry nothing into its neighbour. */
void probe_percpu_add(uintptr_t number)
{
    percpu_add(probe.word, number);
    percpu_add(probe.count, (uint32_t)number);
    percpu_add(probe.byte, (uint8_t)number);
}
