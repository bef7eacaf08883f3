/*
 * percpu.c: a CPU's own block, with GS and without.
 */
#include "lab2.h"
#include "lapic.h"
#include "percpu_ops.h"
#include "x86.h"

/* Also what gs_enter loads in 32 bits. */
#ifdef __x86_64__
const uint16_t user_gs = 0;
#else
const uint16_t user_gs = PERCPU_SEL;
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

/* this_cpu(): see percpu.h.  The block's first word is its own address. */
struct cpu *this_cpu(void)
{
    return percpu_read(self);
}

/* cpu_from_hw(): see percpu.h.  Each CPU has its own local APIC, all at one address. */
struct cpu *cpu_from_hw(void)
{
    uint8_t id = lapic_id();
    for (unsigned i = 1; i < MAX_CPUS; i++)
        if (cpus[i].apic_id == id && cpus[i].online)
            return &cpus[i];
    return &cpus[0];
}

/* hide_tables(): see percpu.h. */
void hide_tables(void)
{
    if (cpu_has_leaf(7) && cpuid(7, 0).ecx & CPUID7_ECX_UMIP)
        write_cr4(read_cr4() | CR4_UMIP);
}
