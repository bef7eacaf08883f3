/*
 * percpu.c: functions around lab 2's macros for C, so that the host can call them.
 *
 * The files of this folder include headers of the labs; they are compiled anew for each lab.
 */
#include "percpu.h"
#include "percpu_ops.h"
#include "probe.h"
#include "x86.h"

/* One field of each width, by its number of bytes. */
uintptr_t probe_percpu_read(uintptr_t size)
{
    switch (size) {
    case 1: return percpu_read(probe.byte);
    case 2: return percpu_read(probe.half);
    case 4: return percpu_read(probe.count);
    default: return percpu_read(probe.word);
    }
}

/* Until an interrupt changes the field: each turn has to read it. */
void probe_percpu_wait(uint32_t old)
{
    while (percpu_read(probe.count) == old)
        cpu_pause();
}

/* One field, by its number of bytes. */
void probe_percpu_write_one(uintptr_t size, uintptr_t value)
{
    switch (size) {
    case 1: percpu_write(probe.byte, (uint8_t)value); break;
    case 2: percpu_write(probe.half, (uint16_t)value); break;
    case 4: percpu_write(probe.count, (uint32_t)value); break;
    default: percpu_write(probe.word, value); break;
    }
}

/* Four widths with one number: none may touch its neighbour. */
void probe_percpu_write(uintptr_t value)
{
    percpu_write(probe.word, value);
    percpu_write(probe.count, (uint32_t)value);
    percpu_write(probe.half, (uint16_t)value);
    percpu_write(probe.byte, (uint8_t)value);
}

/* The same; and none may carry anything into its neighbour. */
void probe_percpu_add(uintptr_t number)
{
    percpu_add(probe.word, number);
    percpu_add(probe.count, (uint32_t)number);
    percpu_add(probe.half, (uint16_t)number);
    percpu_add(probe.byte, (uint8_t)number);
}
