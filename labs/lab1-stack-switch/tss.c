/*
 * tss.c: exercise 1.1, the TSS and the stack that the hardware loads.
 */
#include "hole.h"
#include "lab1.h"
#include "string.h"
#include "x86.h"

/*
 * tss_init(cpu): see entry.h.
 *
 * Before: the TSS is any bytes, the task register is 0.
 * After:  every field is 0 but those named here; the task register is TSS_SEL.
 */
void tss_init(struct cpu *cpu)
{
    /*
     * 1. Clear cpu->tss.
     * 2. 64 bits: IST_DF, IST_NMI, IST_MC and IST_DEBUG get the tops in cpu->own_top[].
     *    ist[0] is IST 1.  32 bits: SS0.
     * 3. No port for ring 3: the I/O bitmap starts beyond the limit.
     * 4. Give it a descriptor with gdt_set_tss(), and load the task register.
     */
    HOLE("1.1", "fill in cpu->tss and load the task register");
}

/*
 * tss_set_sp0(cpu, thread): see entry.h.
 *
 * What the hardware pushes from there is the upper end of the thread's saved registers.
 */
void tss_set_sp0(struct cpu *cpu, struct thread *thread)
{
    HOLE("1.1", "name the stack for interrupts of this thread in cpu->tss");
}

/* thread_regs(thread): see entry.h.  Everybody else reaches the registers through this. */
struct regs *thread_regs(struct thread *thread)
{
    HOLE("1.1", "say where this thread's registers are saved");
}
