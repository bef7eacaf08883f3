/*
 * corral.c: the system call behind `corral`.  Code is written over that all CPUs execute all the
 * time.
 */
#include "boot.h"
#include "errno.h"
#include "ipi.h"
#include "mm.h"
#include "syscall.h"
#include "sysnum.h"
#include "x86.h"

#define STAGE_STOP  5    /* from this stage on all CPUs can be stopped */
#define CORRAL_SIZE 5
#define MOV_EAX     0xb8 /* mov $imm32, %eax */

uint32_t corral_answer(void);

/* What each CPU saw: it writes its own, and SYS_CORRAL reads all of them. */
static struct corral_entry entries[MAX_CPUS];
static uint32_t            now = 1; /* the answer as it was last written */

static void note_tick(struct corral_entry *mine, uint32_t answer)
{
    uint32_t  newest = __atomic_load_n(&now, __ATOMIC_RELAXED);
    uint32_t *count = answer == newest       ? &mine->ticks_new
                      : answer + 1 == newest ? &mine->ticks_old
                                             : &mine->ticks_other;
    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
}

void corral_tick(void)
{
    note_tick(&entries[this_cpu()->id], corral_answer());
}

static void look_before(void *arg)
{
    (void)arg;
    struct corral_entry *mine = &entries[this_cpu()->id];
    mine->id = this_cpu()->id;
    mine->before = corral_answer();
    mine->ticks_old = mine->ticks_new; /* these have seen what will be the old answer */
    mine->ticks_new = 0;
    /* Each stores the same: they all stand still, and nobody writes code before the next call. */
    __atomic_store_n(&now, mine->before + 1, __ATOMIC_RELAXED);
}

static void look_after(void *arg)
{
    (void)arg;
    entries[this_cpu()->id].after = corral_answer();
}

/* Three times all CPUs are stopped: to look, to write, to look.  With interrupts on. */
static bool write_next(void)
{
    if (!ipi_call(look_before, 0))
        return false;
    uint8_t code[CORRAL_SIZE] = {MOV_EAX, (uint8_t)now, (uint8_t)(now >> 8), (uint8_t)(now >> 16),
                                 (uint8_t)(now >> 24)};
    return text_patch((void *)(uintptr_t)corral_answer, code, sizeof(code)) &&
           ipi_call(look_after, 0);
}

intptr_t sys_corral(uintptr_t to, uintptr_t max, uintptr_t again)
{
    if (corral_stage < STAGE_STOP)
        return -ENOSYS;
    if (!again) {
        sti(); /* or no other CPU could ask this one */
        bool done = write_next();
        cli();
        if (!done)
            return -EAGAIN;
    }
    uintptr_t count = ncpus < max ? ncpus : max;
    return copy_to_user(to, entries, count * sizeof(entries[0])) ? -EFAULT : (intptr_t)count;
}
