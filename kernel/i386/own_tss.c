/*
 * own_tss.c: the tasks of double fault and machine check.
 */
#include "mm.h"
#include "own_stacks.h"
#include "panic.h"
#include "percpu.h"
#include "print.h"
#include "symbols.h"

extern const char double_fault_task[], machine_check_task[];

static struct tss task_at(const char *entry, uintptr_t stack)
{
    struct tss task = {.eip = (uint32_t)entry, .esp = stack, .cr3 = (uint32_t)kernel_root()};
    task.cs = KERNEL_CS;
    task.ds = task.es = task.ss = KERNEL_DS;
    task.eflags = 2;
    task.iopb = sizeof(task);
    return task;
}

void own_tss_init(struct cpu *cpu)
{
    cpu->df_tss = task_at(double_fault_task, cpu->own_top[OWN_DF]);
    cpu->mc_tss = task_at(machine_check_task, cpu->own_top[OWN_MC]);
}

_Noreturn void own_task(unsigned vector);
_Noreturn void own_task(unsigned vector)
{
    const struct tss *tss = &cpu_from_hw()->tss;
    uintptr_t         offset;
    const char       *name = symbol_name(tss->eip, &offset);
    panic("%s at %p (%s+%p), stack pointer %p", vector == VECTOR_DF ? "double fault" : "machine check",
          (void *)(uintptr_t)tss->eip, name ? name : "?", (void *)offset,
          (void *)(uintptr_t)tss->esp);
}
