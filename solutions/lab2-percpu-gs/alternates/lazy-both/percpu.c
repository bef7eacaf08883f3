/*
 * percpu.c: a CPU's own block, with GS and without.
 */
#include "lab2.h"
#include "percpu_ops.h"
#include "x86.h"

/* A slot of the GDT that this kernel leaves free: its limit is the CPU's number. */
#ifdef __x86_64__
#define NUMBER_SEL 0x48u
#else
#define NUMBER_SEL 0x28u
#endif

/* In 32 bits honest threads never change GS, so that the kernel finds it as it left it. */
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
    cpu->gdt[NUMBER_SEL / 8] = 0x409000ull << 32 | cpu->id; /* DPL 0: LSL of ring 3 learns nothing */
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

/* cpu_from_hw(): see percpu.h.  One instruction and no memory but the GDT. */
struct cpu *cpu_from_hw(void)
{
    uint32_t number;
    __asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(NUMBER_SEL) : "cc");
    return &cpus[number];
}

/* hide_tables(): see percpu.h. */
void hide_tables(void)
{
    if (cpu_has_leaf(7) && cpuid(7, 0).ecx & CPUID7_ECX_UMIP)
        write_cr4(read_cr4() | CR4_UMIP);
}
