/*
 * nmi64.S: exercises 3.2, 3.4 and 3.6: NMIs and machine checks in 64 bits.
 *
 * The hardware always starts at the top of the CPU's own stack (IST), also for a second NMI that an
 * IRET let in.
 *
 *      own_top           this CPU's struct cpu
 *      own_top -   8     SS, RSP, RFLAGS, CS, RIP, error, vector
 *      own_top -  56     <- RSP at nmi_entry
 */
#include "gs.h"
#include "hole.h"
#include "offsets.h"


/* save_regs, restore_regs: struct regs (regs.h) below the stub's two words, and back. */
    .macro save_regs
    .endm
    .macro restore_regs
    .endm

/*
 * Calls a C function with what C code wants: DF clear, this CPU's GS.  RSP is at a complete struct
 * regs, which is the argument.  CR2 is kept: the function may fault, and a page fault that was
 * interrupted may not have read it yet.
 */
    .macro call_safely function
    .endm

/* leave_landing_pad: exercise 3.4, if your handler may fault. */
    .macro leave_landing_pad
    .endm

    .text

/* void nmi_entry(void): see nmi.h. */
    .globl nmi_entry
nmi_entry:
    leave_landing_pad
/*
 * 1. Save every register, on the stack that exercise 3.1 gave you.
 * 2. Give C code what it wants (call_safely), with the saved registers as argument of knmi.
 * 3. Load every register, and IRET.
 */
    HOLE("3.2", "save everything, trust nothing, call knmi, give everything back")

/*
 * void mc_entry(void): a machine check.  The CPU stops if a second comes before the first has ended
 * (SDM 3B 16.8), so this needs no landing pad.
 */
    .globl mc_entry
mc_entry:
    HOLE("3.6", "the same for kmce, on the stack of machine checks")
