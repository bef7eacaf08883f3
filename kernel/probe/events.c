/*
 * events.c: what happens in the kernel when the host sends an interrupt or makes ring 3 trap.
 *
 * The host writes the variables below through the debugger; the kernel only reads them.
 */
#include "entry.h"
#include "intr.h"
#include "mm.h"
#include "nmi.h"
#include "probe.h"
#include "probe_ipis.h"
#include "probe_locks.h"

#define VECTOR_FIRST 0x50 /* to 0xbf: no device has these */
#define VECTOR_LAST  0xbf
#define VECTOR_LOW   0x2e /* nor this, at DISPATCH_LEVEL */

uint32_t probe_token;                 /* the host's; fresh for each case */
uint32_t probe_answer[256];           /* by vector: the token, turned over */
uint32_t probe_count[256];            /* by vector: how often it came */
uint32_t probe_where[256];            /* by vector: the CPU that its handler found by this_cpu() */
struct thread *probe_wake;            /* a thread that the next interrupt makes ready */
uint32_t probe_resched;               /* not 0: the next interrupt ends the present turn */
uintptr_t probe_touch;                /* not 0: an interrupt copies 8 bytes from here */
int32_t  probe_touch_result;
uint32_t probe_touch_good;            /* times that the handler found its own locals intact */
uintptr_t probe_add;                  /* not 0: an interrupt calls probe_percpu_add() with it */
char     probe_line[LOG_LINE_SIZE * 2]; /* not empty: an interrupt writes it to the log */
uintptr_t probe_lock_in_interrupt;     /* not 0: an interrupt takes probe_spin[this - 1] */
uintptr_t probe_call_in_interrupt;     /* not 0: an interrupt calls this probe_call_function */
uint32_t probe_trap_skip;             /* not 0: a trap of ring 3 skips so many bytes */
struct regs probe_trap_regs;          /* what ktrap() was given last, and CR2 then */
uintptr_t probe_trap_cr2;

/* A fault inside a handler: the copy fails, and what the handler had on its stack is still there. */
static void touch(unsigned vector)
{
    uint32_t local[16];
    uint8_t  bytes[8];
    for (unsigned i = 0; i < 16; i++)
        local[i] = probe_token * (i + 1) + vector;
    __asm__ volatile("" : : "r"(local) : "memory");
    probe_touch_result = copy_from_user(bytes, probe_touch, sizeof(bytes));
    __asm__ volatile("" : : "r"(local) : "memory");
    for (unsigned i = 0; i < 16; i++)
        if (local[i] != probe_token * (i + 1) + vector)
            return;
    probe_touch_good++;
}

static void interrupt(unsigned vector, bool user)
{
    (void)user;
    if (probe_add)
        probe_percpu_add(probe_add);
    if (probe_wake) {
        thread_ready(probe_wake);
        probe_wake = 0;
    }
    if (probe_resched) {
        probe_resched = 0;
        this_cpu()->resched = true;
    }
    if (probe_touch)
        touch(vector);
    if (probe_line[0])
        probe_log_line(probe_line);
    if (probe_lock_in_interrupt)
        probe_spin_round(probe_lock_in_interrupt - 1);
    if (probe_run_patched)
        probe_patched_round(1);
    if (probe_call_in_interrupt)
        probe_from_interrupt((probe_call_function *)probe_call_in_interrupt);
    probe_where[vector] = this_cpu()->id;
    probe_count[vector]++;
    probe_answer[vector] = ~probe_token;
}

void probe_interrupts_init(void)
{
    for (unsigned vector = VECTOR_FIRST; vector <= VECTOR_LAST; vector++)
        intr_set_handler(vector, interrupt);
    intr_set_handler(VECTOR_LOW, interrupt);
}

bool probe_trap(struct regs *regs, uintptr_t cr2)
{
    if (!probe_boot || !probe_trap_skip)
        return false;
    probe_trap_regs = *regs;
    probe_trap_cr2 = cr2;
    regs->ip += probe_trap_skip;
    return true;
}
