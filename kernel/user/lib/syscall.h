/*
 * syscall.h: the system calls as C functions. Each returns what the kernel returned: 0 or
 * more, or a negative error (errno.h).
 */
#ifndef USER_SYSCALL_H
#define USER_SYSCALL_H

#include <stddef.h>
#include <stdint.h>
#include "sysnum.h"

/* In assembly, and not inlined: so the compiler must take it that memory may have changed. */
long syscall3(long number, unsigned long a, unsigned long b, unsigned long c);

/* Ends this program with `code` (0 to 127). */
static inline _Noreturn void sys_exit(int code)
{
    syscall3(SYS_EXIT, (unsigned long)code, 0, 0);
    __builtin_trap();
}

/* Offers `len` bytes to the console; it may take fewer. write_all() in print.h repeats. */
static inline long sys_write(const void *buf, size_t len)
{
    return syscall3(SYS_WRITE, (unsigned long)buf, len, 0);
}

/* Reads at most `len` bytes and never waits: 0 means that nothing has been typed. */
static inline long sys_read(void *buf, size_t len)
{
    return syscall3(SYS_READ, (unsigned long)buf, len, 0);
}

/* Lets the other threads of this CPU run first. */
static inline long sys_yield(void)
{
    return syscall3(SYS_YIELD, 0, 0, 0);
}

/* Starts the program `name`; returns its thread id. */
static inline long sys_spawn(const char *name)
{
    return syscall3(SYS_SPAWN, (unsigned long)name, 0, 0);
}

/* Waits until thread `tid` has ended; returns its exit code and forgets the thread. */
static inline long sys_wait(long tid)
{
    return syscall3(SYS_WAIT, (unsigned long)tid, 0, 0);
}

/* Fills at most `max` entries, one a thread; returns how many. */
static inline long sys_ps(struct ps_entry *buf, unsigned max)
{
    return syscall3(SYS_PS, (unsigned long)buf, max, 0);
}

/* Fills at most `max` entries, one a CPU; returns how many. */
static inline long sys_cpus(struct cpu_entry *buf, unsigned max)
{
    return syscall3(SYS_CPUS, (unsigned long)buf, max, 0);
}

/* Switches the machine off; returns only if that failed. */
static inline long sys_halt(void)
{
    return syscall3(SYS_HALT, 0, 0, 0);
}

/* Waits for `ticks` timer ticks (TICKS_PER_SECOND). */
static inline long sys_sleep(unsigned long ticks)
{
    return syscall3(SYS_SLEEP, ticks, 0, 0);
}

/* Timer ticks since the start. It wraps: compare differences only. */
static inline unsigned long sys_ticks(void)
{
    return (unsigned long)syscall3(SYS_TICKS, 0, 0, 0);
}

/* The id of the calling thread. */
static inline long sys_gettid(void)
{
    return syscall3(SYS_GETTID, 0, 0, 0);
}

/* Waits until sys_read() would return bytes; at once if it would already. */
static inline long sys_wait_input(void)
{
    return syscall3(SYS_WAIT_INPUT, 0, 0, 0);
}

/* Writes the names of all programs, each followed by \n and no NUL; returns the bytes. */
static inline long sys_programs(char *buf, size_t len)
{
    return syscall3(SYS_PROGRAMS, (unsigned long)buf, len, 0);
}

/* The CPU that runs the calling thread. */
static inline long sys_getcpu(void)
{
    return syscall3(SYS_GETCPU, 0, 0, 0);
}

/* 64 bits: the base of this thread's GS, an address of its own. */
static inline long sys_set_gs(const void *base)
{
    return syscall3(SYS_SET_GS, (unsigned long)base, 0, 0);
}

/* A contest of locks: see struct contest in sysnum.h. */
static inline long sys_contest(struct contest *to, unsigned kind, unsigned rounds)
{
    return syscall3(SYS_CONTEST, (unsigned long)to, kind, rounds);
}

/* Writes over code of the kernel (unless `again`); at most `max` entries, one a CPU; how many. */
static inline long sys_corral(struct corral_entry *buf, unsigned max, int again)
{
    return syscall3(SYS_CORRAL, (unsigned long)buf, max, (unsigned long)again);
}

/* A ring of so many slots, at RING_USER (ring_abi.h).  A program has one at most. */
static inline long sys_ring_map(unsigned slots)
{
    return syscall3(SYS_RING_MAP, slots, 0, 0);
}

/* A handle for bytes of RING_DATA, for descriptors; and its end. */
static inline long sys_ring_grant(unsigned offset, unsigned length)
{
    return syscall3(SYS_RING_GRANT, offset, length, 0);
}

static inline long sys_ring_revoke(unsigned long handle)
{
    return syscall3(SYS_RING_REVOKE, handle, 0, 0);
}

/* The kernel looks into the ring now.  Needed when ring_push() says RING_DOORBELL. */
static inline long sys_ring_doorbell(void)
{
    return syscall3(SYS_RING_DOORBELL, 0, 0, 0);
}

/* What the kernel has taken out of the ring so far. */
static inline long sys_ring_seen(struct ring_seen *to)
{
    return syscall3(SYS_RING_SEEN, (unsigned long)to, 0, 0);
}

struct log_record; /* logring.h */

/* The next record of the kernel's log: 1, or 0 if there is none; and how many were lost so far. */
static inline long sys_log_read(struct log_record *to, uint32_t *dropped)
{
    return syscall3(SYS_LOG_READ, (unsigned long)to, (unsigned long)dropped, 0);
}

/* Sends an NMI to a CPU. */
static inline long sys_nmi(unsigned long cpu)
{
    return syscall3(SYS_NMI, cpu, 0, 0);
}

/* Switches the trace points of a kind (trace_abi.h) on or off in the kernel's code. */
static inline long sys_trace(unsigned kind, int on)
{
    return syscall3(SYS_TRACE, kind, (unsigned long)on, 0);
}

/* Puts the flight recorder's pages where TRACE_KERNEL and TRACE_USER say. */
static inline long sys_trace_map(void)
{
    return syscall3(SYS_TRACE_MAP, 0, 0, 0);
}

/* Lets the kernel move events there now; how many. */
static inline long sys_trace_pull(void)
{
    return syscall3(SYS_TRACE_PULL, 0, 0, 0);
}

#endif
