/*
 * thread.c: threads for the host.  Their program is `checker`; where they start does not matter,
 * because the host gives them registers.
 */
#include "entry.h"
#include "mm.h"
#include "probe.h"
#include "program.h"

/* Registers that the host wrote, for probe_enter_user(). */
struct regs probe_regs;

/* Sizes and offsets in bytes, for a host that reads these structures in memory. */
const struct {
    uint32_t thread_size, thread_state, thread_as, thread_lab1;
    uint32_t cpu_size, cpu_current, cpu_as, cpu_kstack_top, cpu_own_top, cpu_tss, cpu_gdt, cpu_lab1;
    uint32_t canary_size, area_size, kstack_size, own_stack_size;
} probe_layout = {
    .thread_size = sizeof(struct thread),
    .thread_state = offsetof(struct thread, state),
    .thread_as = offsetof(struct thread, as),
    .thread_lab1 = offsetof(struct thread, lab1),
    .cpu_size = sizeof(struct cpu),
    .cpu_current = offsetof(struct cpu, current),
    .cpu_as = offsetof(struct cpu, as),
    .cpu_kstack_top = offsetof(struct cpu, kstack_top),
    .cpu_own_top = offsetof(struct cpu, own_top),
    .cpu_tss = offsetof(struct cpu, tss),
    .cpu_gdt = offsetof(struct cpu, gdt),
    .cpu_lab1 = offsetof(struct cpu, lab1),
    .canary_size = AREA_CANARY_SIZE,
    .area_size = LAB1_AREA_SIZE,
    .kstack_size = KSTACK_SIZE,
    .own_stack_size = OWN_STACK_SIZE,
};

void *probe_map(struct thread *thread, uintptr_t address)
{
    return as_map_new(thread->as, address, MAP_WRITE | MAP_EXEC);
}

struct thread *probe_thread(bool present)
{
    struct thread *thread = program_start("checker");
    if (thread && present) {
        thread->state = THREAD_RUNNING;
        this_cpu()->current = thread;
        as_activate(thread->as);
    }
    return thread;
}
