/*
 * trace_abi.h: what the flight recorder shows to a program of ring 3.  Both include it.
 *
 *   in ring 3       size    the program may   what is there
 *   TRACE_USER      4096    read and write    struct trace_user
 *   TRACE_KERNEL    4096    read              struct trace_kernel
 *
 * This ring runs the other way: the kernel fills it, the program empties it.  What the program says it
 * has read may be a lie.
 */
#ifndef CORRAL_TRACE_ABI_H
#define CORRAL_TRACE_ABI_H

#include <stdint.h>

#define TRACE_USER   0x10004000
#define TRACE_KERNEL 0x10005000
#define TRACE_SLOTS  64

/* What is recorded. */
#define TRACE_SYSCALL 0 /* value: the system call's number */
#define TRACE_SWITCH  1 /* value: the thread whose turn it is now, 0 for nobody */
#define TRACE_CLOCK   2 /* value: the CPU's ticks */
#define TRACE_NMI     3 /* value: what it interrupted */
#define TRACE_KINDS   4

/* One event; the same in both widths. */
struct trace_event {
    uint64_t stamp;  /* RDTSC */
    uint64_t value;
    uint64_t ip;     /* where the CPU's present thread last left ring 3; 0: there is none */
    uint32_t kind;
    uint32_t cpu;
    uint32_t tid;    /* of that thread; 0: none */
    uint32_t number; /* of this CPU's events, those that were dropped counted: a gap shows */
};

struct trace_kernel {
    uint32_t           produced; /* events ever put in, modulo 2^32; published after the slot */
    struct trace_event slots[TRACE_SLOTS] __attribute__((aligned(64)));
};

struct trace_user {
    uint32_t consumed; /* events that the program has read, modulo 2^32 */
};

_Static_assert(sizeof(struct trace_event) == 40, "both widths share this layout");
_Static_assert(sizeof(struct trace_kernel) <= 4096, "a page");

#endif
