/*
 * syscall.h: the parts of the system calls that live in other files of kernel/sys.
 *
 * All of these: interrupts off, not from an NMI; CPU 0, from stage 4 on any CPU, but for the keys.
 */
#ifndef CORRAL_SYSCALL_H
#define CORRAL_SYSCALL_H

#include <stdbool.h>
#include <stdint.h>

/* Copies what is known of each thread, of each CPU; the number of entries, or -EFAULT. */
intptr_t sys_ps(uintptr_t to, uintptr_t max, uintptr_t unused);
intptr_t sys_cpus(uintptr_t to, uintptr_t max, uintptr_t unused);

/* A contest of locks: see SYS_CONTEST.  Interrupts are on for parts of it. */
intptr_t sys_contest(uintptr_t to, uintptr_t kind, uintptr_t rounds);
/*
 * Stops every CPU and writes over code that all of them execute; what each saw.  From stage 5, else
 * -ENOSYS.  corral_tick() is called by each CPU's clock interrupt.
 */
intptr_t sys_corral(uintptr_t to, uintptr_t max, uintptr_t again);
void     corral_tick(void);

/* Rings and the log, from stage 6: see sysnum.h.  Interrupts are on while a ring is drained. */
intptr_t sys_ring_map(uintptr_t slots, uintptr_t unused, uintptr_t unused2);
intptr_t sys_ring_grant(uintptr_t offset, uintptr_t length, uintptr_t unused);
intptr_t sys_ring_revoke(uintptr_t handle, uintptr_t unused, uintptr_t unused2);
intptr_t sys_ring_doorbell(uintptr_t unused, uintptr_t unused2, uintptr_t unused3);
intptr_t sys_ring_seen(uintptr_t to, uintptr_t unused, uintptr_t unused2);
intptr_t sys_send(uintptr_t from, uintptr_t length, uintptr_t cookie);
intptr_t sys_send_many(uintptr_t from, uintptr_t count, uintptr_t unused);
intptr_t sys_send_pending(uintptr_t from, uintptr_t length, uintptr_t cookie);
intptr_t sys_log_read(uintptr_t to, uintptr_t dropped, uintptr_t unused);

/* The flight recorder, from stage 7: see sysnum.h.  Interrupts are on while code is written over. */
intptr_t sys_trace(uintptr_t kind, uintptr_t on, uintptr_t unused);
intptr_t sys_trace_map(uintptr_t unused, uintptr_t unused2, uintptr_t unused3);
intptr_t sys_trace_pull(uintptr_t unused, uintptr_t unused2, uintptr_t unused3);

/* Starts to collect keys from the serial line and the keyboard by interrupt. */
void input_init(void);

/* Whether a key waits; the oldest key, 0 if none does. */
bool input_waits(void);
char input_take(void);

#endif
