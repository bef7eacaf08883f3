/*
 * percpu.c: exercises 2.1, 2.2, 2.4 and a bonus: a CPU's own block, with GS and without.
 */
#include "hole.h"
#include "lab2.h"
#include "percpu_ops.h"
#include "x86.h"

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
    /* BEGIN 2.1 */
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
    /* INSTEAD 2.1 */
    //| /*
    //|  * 64 bits: the two bases, MSR_GS_BASE and MSR_KERNEL_GS_BASE.
    //|  * 32 bits: 1. A data segment of sizeof(*cpu) bytes at cpu, in cpu->gdt[PERCPU_SEL / 8].
    //|  *          2. Which DPL?  What does IRET do to a selector that ring 3 may not have?
    //|  *          3. Load GS.
    //|  */
    //| HOLE("2.1", "make %gs:0 this CPU's struct cpu");
    /* END 2.1 */
}

/* this_cpu(): see percpu.h.  The block's first word is its own address. */
struct cpu *this_cpu(void)
{
    /* BEGIN 2.2 */
    return percpu_read(self);
    /* INSTEAD 2.2 */
    //| HOLE("2.2", "read the address of this CPU's block through GS");
    /* END 2.2 */
}

/* cpu_from_hw(): see percpu.h.  Each CPU has its own GDT, and the GDT lies in its struct cpu. */
struct cpu *cpu_from_hw(void)
{
    /* BEGIN 2.4 */
    struct table_pointer gdt;
    sgdt(&gdt);
    return (struct cpu *)(gdt.base - offsetof(struct cpu, gdt));
    /* INSTEAD 2.4 */
    //| /* What differs from CPU to CPU and is known to the hardware alone? */
    //| HOLE("2.4", "find this CPU without GS");
    /* END 2.4 */
}

/* hide_tables(): see percpu.h. */
void hide_tables(void)
{
    /* BEGIN 2.7 */
    if (cpu_has_leaf(7) && cpuid(7, 0).ecx & CPUID7_ECX_UMIP)
        write_cr4(read_cr4() | CR4_UMIP);
    /* INSTEAD 2.7 */
    //| /* CR4.UMIP, where CPUID says that it is there. */
    //| HOLE_LATER("2.7", "hide the descriptor tables from ring 3, where the CPU can");
    /* END 2.7 */
}
