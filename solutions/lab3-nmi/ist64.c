/*
 * ist64.c: exercises 3.1 and 3.4 in 64 bits, the C part.
 */
#include "hole.h"
#include "lab3.h"

/* nmi_init(cpu): see nmi.h.  The TSS names the stacks already: tss_init() did that. */
void nmi_init(struct cpu *cpu)
{
    /* BEGIN 3.1 */
    (void)cpu;
    idt_set_ist(VECTOR_NMI, IST_NMI);
    idt_set_ist(VECTOR_MC, IST_MC);
    /* INSTEAD 3.1 */
    //| /* The gates say which of the TSS's stacks the hardware loads (tss.h). */
    //| HOLE("3.1", "give vector 2 and vector 18 stacks of their own");
    /* END 3.1 */
}

/* nmi_note_cr3(cpu, cr3): see nmi.h.  An interrupt gate does not touch CR3. */
void nmi_note_cr3(struct cpu *cpu, uintptr_t cr3)
{
    (void)cpu, (void)cr3;
}

/* nmi_nestable(): see nmi.h. */
bool nmi_nestable(void)
{
    /* BEGIN 3.4 */
    return true; /* nmi_entry leaves the landing pad before anything can fault */
    /* INSTEAD 3.4 */
    //| HOLE("3.4", "say whether knmi() may fault, and make it true");
    /* END 3.4 */
}

/* nmi_fixup(regs): see nmi.h.  An interrupt gate brings no traps of its own. */
bool nmi_fixup(struct regs *regs)
{
    (void)regs;
    return false;
}
