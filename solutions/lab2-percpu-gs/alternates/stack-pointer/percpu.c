/*
 * percpu.c: a CPU's own block, by the stack in 32 bits.
 */
#include "lab2.h"
#include "panic.h"
#include "percpu_ops.h"
#include "x86.h"

const uint16_t user_gs = 0; /* ring 3 may have what it likes */

#ifndef __x86_64__
/* Whose stack this is: all C code runs on the kernel stack of its CPU, or on one of its own stacks. */
static struct cpu *cpu_of_stack(uintptr_t sp)
{
    for (struct cpu *cpu = cpus; cpu < cpus + MAX_CPUS; cpu++) {
        if (cpu->kstack_top - sp <= KSTACK_SIZE)
            return cpu;
        for (unsigned own = 0; own < OWN_STACKS; own++)
            if (cpu->own_top[own] - sp <= OWN_STACK_SIZE)
                return cpu;
    }
    return &cpus[0]; /* there are no other stacks */
}
#endif

/*
 * percpu_init(cpu): see percpu.h.
 *
 * Before: the CPU's own GDT is loaded, GS is null.  After: %gs:0 is the first byte of *cpu.
 */
void percpu_init(struct cpu *cpu)
{
#ifdef __x86_64__
    wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
    wrmsr(MSR_KERNEL_GS_BASE, 0); /* ring 3's, for the first SWAPGS */
#else
    /* Present, data, writable, bytes; DPL 3, or each IRET to ring 3 would make GS null. */
    uint32_t base = (uint32_t)cpu, limit = sizeof(*cpu) - 1;
    cpu->gdt[PERCPU_SEL / 8] = (uint64_t)(base >> 24) << 56 | 0x40f200ull << 32 |
                               (uint64_t)(base & 0xffffff) << 16 | (limit & 0xffff);
    write_gs(PERCPU_SEL);
#endif
}

/* this_cpu(): see percpu.h. */
struct cpu *this_cpu(void)
{
#ifdef __x86_64__
    return percpu_read(self);
#else
    return cpu_of_stack((uintptr_t)__builtin_frame_address(0));
#endif
}

/* cpu_from_hw(): see percpu.h.  64 bits: some handlers start on a stack that may be anybody's. */
struct cpu *cpu_from_hw(void)
{
#ifdef __x86_64__
    return &cpus[cpu_number()];
#else
    return cpu_of_stack((uintptr_t)__builtin_frame_address(0));
#endif
}

/* hide_tables(): see percpu.h. */
void hide_tables(void)
{
    if (cpu_has_leaf(7) && cpuid(7, 0).ecx & CPUID7_ECX_UMIP)
        write_cr4(read_cr4() | CR4_UMIP);
}
