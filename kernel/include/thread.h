/*
 * thread.h: threads and whose turn it is.
 *
 * Kernel code never blocks: a thread that waits has left the kernel with its registers saved, and
 * nothing of it is on a stack.  So one kernel stack a CPU is enough.
 */
#ifndef CORRAL_THREAD_H
#define CORRAL_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu.h"
#include "regs.h"

enum thread_state { THREAD_FREE, THREAD_READY, THREAD_RUNNING, THREAD_WAITING, THREAD_DEAD };

/* What a waiting thread waits for. */
enum wait_reason { WAIT_NOTHING, WAIT_TICKS, WAIT_THREAD, WAIT_INPUT };

struct thread {
    uint32_t              tid;         /* from 1 */
    enum thread_state     state;
    struct cpu           *cpu;         /* the CPU that runs it; threads do not move */
    struct address_space *as;
    enum wait_reason      wait;
    uint32_t              wait_value;  /* the tick, or the tid */
    uint32_t              wait_parent; /* who may collect the exit code, 0 for nobody */
    int32_t               exit_code;
    uint32_t              ticks;       /* clock interrupts that found it running */
    char                  name[16];
    struct lab1_area      lab1 __attribute__((aligned(64)));
    struct lab2_area      lab2 __attribute__((aligned(64)));
    struct lab3_area      lab3 __attribute__((aligned(64)));
};

extern struct thread threads[MAX_THREADS];

/*
 * Makes a thread of `cpu` that starts in ring 3 at `ip` with stack pointer `sp`, not yet ready.
 * Its registers are set through the lab's thread_regs().  NULL if there is no room.
 * Level DISPATCH or below, CPU 0, from stage 4 on any CPU; not from an NMI.
 */
struct thread *thread_create(const char *name, struct cpu *cpu, struct address_space *as,
                             uintptr_t ip, uintptr_t sp);

/*
 * Makes a thread that was just created, or that waits, ready to run.  Interrupts off, its own CPU,
 * or CPU 0 before that was released.
 */
void thread_ready(struct thread *thread);

/*
 * Ends a thread; its parent, if it waits, gets the code.  Until stage 4 it stays dead on another CPU
 * than 0, with its memory: only CPU 0 gives pages back.  Interrupts off, its own CPU.
 */
void thread_exit(struct thread *thread, int32_t code);

/*
 * Ends a thread for a fault of its own, with a line on the console.  `regs` are the registers at
 * the fault.  Interrupts off, its own CPU.
 */
void thread_fault(struct thread *thread, const struct regs *regs, uintptr_t address);

/* Parks the present thread.  Its result is in its registers already.  Interrupts off. */
void thread_wait(enum wait_reason reason, uint32_t value);

/*
 * The exit code of a child of the present thread, which is then forgotten.  If it has not ended yet
 * the present thread is parked, and gets the code as its result.  -ECHILD: it has no such child.
 * Interrupts off.
 */
intptr_t thread_join(uint32_t tid);

/* Its CPU has left this thread, which is dead: its place is free, if nobody wants its exit code. */
void thread_left(struct thread *thread);

/* Makes ready this CPU's threads that waited for `reason` with this value.  Interrupts off. */
void thread_wake(enum wait_reason reason, uint32_t value);

/*
 * Whose turn it is: makes the next ready thread of this CPU its present one, or keeps the one it
 * has while its turn lasts.  NULL: nobody can run.  Interrupts off, any CPU, not from an NMI.
 */
struct thread *sched_next(void);

/* Makes `thread`, or none, this CPU's present one.  Interrupts off. */
void sched_switch(struct thread *thread);

/* A clock interrupt came.  `user` says whether it found ring 3.  At CLOCK level. */
void sched_tick(bool user);

/* The thread with this id, or NULL.  Any level; inside threads_guard. */
struct thread *thread_find(uint32_t tid);

#endif
