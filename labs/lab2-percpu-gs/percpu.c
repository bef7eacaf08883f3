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
    /*
     * 64 bits: the two bases, MSR_GS_BASE and MSR_KERNEL_GS_BASE.
     * 32 bits: 1. A data segment of sizeof(*cpu) bytes at cpu, in cpu->gdt[PERCPU_SEL / 8].
     *          2. Which DPL?  What does IRET do to a selector that ring 3 may not have?
     *          3. Load GS.
     */
    HOLE("2.1", "make %gs:0 this CPU's struct cpu");
}

/* this_cpu(): see percpu.h.  The block's first word is its own address. */
struct cpu *this_cpu(void)
{
    HOLE("2.2", "read the address of this CPU's block through GS");
}

/* cpu_from_hw(): see percpu.h.  Each CPU has its own GDT, and the GDT lies in its struct cpu. */
struct cpu *cpu_from_hw(void)
{
    /* What differs from CPU to CPU and is known to the hardware alone? */
    HOLE("2.4", "find this CPU without GS");
}

/* hide_tables(): see percpu.h. */
void hide_tables(void)
{
    /* CR4.UMIP, where CPUID says that it is there. */
    HOLE_LATER("2.7", "hide the descriptor tables from ring 3, where the CPU can");
}
