/*
 * probe_ipis.h: what the grader calls for lab 5, and what it finds afterwards.
 *
 * The functions are called by the mailbox; each of those that are named as markers is not inlined,
 * so that the host can stop there.
 */
#ifndef CORRAL_PROBE_IPIS_H
#define CORRAL_PROBE_IPIS_H

#include <stdbool.h>
#include <stdint.h>

#include "ipi.h"

#define PROBE_ARG_WORDS 4
#define PROBE_ROOM      1024 /* bytes of stack that fn() takes */

/* A CPU's notes, on a cache line of their own.  Tables of these are indexed by cpu->id. */
struct probe_line {
    uint32_t word[16];
} __attribute__((aligned(64)));

/* ---- written by the host ---- */

extern uint32_t probe_arg[PROBE_ARG_WORDS];   /* what the caller's argument is to hold */
extern uint8_t  probe_new_bytes[TEXT_MAX];    /* the code to come */
extern uint8_t  probe_other_bytes[TEXT_SITE]; /* and at probe_other_site */
extern uint32_t probe_new_size;               /* bytes of it */
extern uint32_t probe_new_result;             /* what probe_patched() gives with it */
extern uint32_t probe_go;                     /* not 0: probe_spin_wait() is over */
extern uint32_t probe_run_patched;            /* not 0: an interrupt calls probe_patched() once */
extern uint32_t probe_poll_inside;            /* not 0: fn() calls ipi_poll() */

/* ---- read by the host ---- */

extern struct probe_line probe_got[MAX_CPUS];   /* the argument, as fn() or all() read it;
                                                   how often fn() ran */
extern struct probe_line probe_one_got;         /* as one() read it; 1 + its CPU's id; how often */
extern struct probe_line probe_steps[MAX_CPUS]; /* steps of normal code */
extern struct probe_line probe_seen[MAX_CPUS];  /* results of probe_patched(): old, new, other;
                                                   then those of probe_poked(): 1, 2, other;
                                                   or of probe_other(): 3, 4, other */
extern struct probe_line probe_polls[MAX_CPUS]; /* turns of probe_spin_wait() */
extern struct probe_line probe_then[MAX_CPUS];  /* the result of probe_then_rest(), and 1;
                                                   the same of probe_from_interrupt(); the level
                                                   when a call has returned, and 1: interrupts on */

/* ---- markers ---- */

void probe_phase(unsigned which, const void *arg); /* fn(arg) begins (0), is about to return (1) */
void probe_one(void *arg);        /* the two phases of probe_two_phase() */
void probe_all(void *arg);
void probe_step(unsigned cpu);    /* one step of normal code, which counts it */

/* ---- functions for the mailbox ---- */

/* ipi_call() with an argument on its own stack, whose words turn to POISON when it has returned. */
#define PROBE_POISON 0xdeadbeefu
bool probe_call(void);

/*
 * The same with ipi_two_phase().  one() writes probe_new_bytes over probe_patch_site itself, if
 * probe_new_size is not 0; all() calls probe_patched() and counts the result.
 */
bool probe_two_phase(void);

/* `times` calls, one after the other; how many were not refused. */
uint32_t probe_calls(uint32_t times);

/* text_patch() of probe_patch_site, text_poke() of probe_poke_site and of probe_other_site. */
bool probe_patch(void);
bool probe_poke(void);
bool probe_poke_other(void);

/*
 * Calls fn(arg), notes its result, and rests: unlike a CPU whose call has returned it takes
 * interrupts.
 */
typedef uintptr_t probe_call_function(uintptr_t arg);
void probe_then_rest(probe_call_function *fn, uintptr_t arg);

/* What the handler of an interrupt calls, if the host wants it: fn(0), and its result is noted. */
void probe_from_interrupt(probe_call_function *fn);

/* Normal code: so many steps; so many calls of what is written over. */
void probe_normal(uint32_t steps);
void probe_patched_round(uint32_t times);
void probe_poked_round(uint32_t times);
void probe_other_round(uint32_t times);

/* Waits for probe_go as a lock does.  Interrupts and level as the host likes. */
void probe_spin_wait(void);

/* In sites.S. */
uint32_t probe_patched(void);
uint32_t probe_poked(void);
uint32_t probe_other(void);
void     probe_rest(void);
extern char probe_patch_site[], probe_patch_end[], probe_poke_site[], probe_poke_target[];
extern char probe_second_target[], probe_other_site[], probe_other_target[];

#endif
