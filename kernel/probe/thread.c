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
    uint32_t thread_size, thread_state, thread_as, thread_lab1, thread_lab2, thread_lab3;
    uint32_t cpu_size, cpu_current, cpu_as, cpu_kstack_top, cpu_own_top, cpu_tss, cpu_gdt;
    uint32_t cpu_lab1, cpu_lab2, cpu_lab3, cpu_lab4, cpu_lab5, cpu_probe, cpu_nmis, cpu_online;
    uint32_t canary_size, area1_size, area2_size, area3_size, area4_size, area5_size;
    uint32_t kstack_size, own_stack_size;
} probe_layout = {
    .thread_size = sizeof(struct thread),
    .thread_state = offsetof(struct thread, state),
    .thread_as = offsetof(struct thread, as),
    .thread_lab1 = offsetof(struct thread, lab1),
    .thread_lab2 = offsetof(struct thread, lab2),
    .thread_lab3 = offsetof(struct thread, lab3),
    .cpu_size = sizeof(struct cpu),
    .cpu_current = offsetof(struct cpu, current),
    .cpu_as = offsetof(struct cpu, as),
    .cpu_kstack_top = offsetof(struct cpu, kstack_top),
    .cpu_own_top = offsetof(struct cpu, own_top),
    .cpu_tss = offsetof(struct cpu, tss),
    .cpu_gdt = offsetof(struct cpu, gdt),
    .cpu_lab1 = offsetof(struct cpu, lab1),
    .cpu_lab2 = offsetof(struct cpu, lab2),
    .cpu_lab3 = offsetof(struct cpu, lab3),
    .cpu_lab4 = offsetof(struct cpu, lab4),
    .cpu_lab5 = offsetof(struct cpu, lab5),
    .cpu_probe = offsetof(struct cpu, probe),
    .cpu_nmis = offsetof(struct cpu, nmis),
    .cpu_online = offsetof(struct cpu, online),
    .canary_size = AREA_CANARY_SIZE,
    .area1_size = LAB1_AREA_SIZE,
    .area2_size = LAB2_AREA_SIZE,
    .area3_size = LAB3_AREA_SIZE,
    .area4_size = LAB4_AREA_SIZE,
    .area5_size = LAB5_AREA_SIZE,
    .kstack_size = KSTACK_SIZE,
    .own_stack_size = OWN_STACK_SIZE,
};

void *probe_map(struct thread *thread, uintptr_t address)
{
    return as_map_new(thread->as, address, MAP_WRITE | MAP_EXEC);
}

struct thread *probe_thread(unsigned cpu)
{
    return program_start("checker", &cpus[cpu]);
}

void probe_adopt(struct thread *thread)
{
    thread->state = THREAD_RUNNING;
    sched_switch(thread);
    as_activate(thread->as);
}
