/*
 * entry64.S: exercises 1.2, 1.3, 1.5 and the bonus: the ways into the kernel in 64 bits.
 *
 * At intr_common and trap_common, come from ring 3:        come from ring 0:
 *
 *      kstack         the word beside the save area          whatever the kernel had there
 *      SS             <- RSP0 pointed above this             (up to 8 bytes of padding)
 *      RSP                                                   SS
 *      RFLAGS                                                RSP
 *      CS                                                    RFLAGS
 *      RIP                                                   CS
 *      error                                                 RIP
 *      vector         <- RSP, in the thread's area           error
 *                                                            vector  <- RSP, on the kernel stack
 *
 * Interrupts are off.  All general registers, DF and AC are still the interrupted code's.
 */
#include "gs.h"
#include "hole.h"
#include "lab1_offsets.h"
#include "layout.h"
#include "offsets.h"

/* save_regs: completes struct regs (regs.h) below the stub's two words. */
    .macro save_regs
    .endm

    .text

/*
 * void intr_common(void): a device interrupt.
 *
 * After: kintr(regs) was called on this CPU's kernel stack with DF clear; from ring 3 it goes on in
 * ret_to_user(), from ring 0 in intr_kernel.  Free registers: none before they are saved, then all.
 */
    .globl intr_common
intr_common:
/*
 * 1. Save the general registers.
 * 2. C code wants DF clear.
 * 3. Ring 0 or ring 3?  The saved CS says it.  Ring 0: go to intr_kernel.
 * 4. gs_enter.
 * 5. Leave the save area for the kernel stack; kintr's argument is the saved registers.
 * 6. Leave by ret_to_user().
 */
    HOLE("1.2", "save the registers, switch to the kernel stack, call kintr")

/*
 * intr_kernel: the same when the kernel was interrupted.  The registers are saved, on the stack
 * that the kernel was using; below RSP it is free, above it is not.
 */
intr_kernel:
/* 1. gs_enter.  2. Call kintr where you are.  3. Go back to what was interrupted. */
    HOLE("1.5", "call kintr on the present stack and return to the kernel")

/*
 * void trap_common(void): a fault, a trap, a system call.
 *
 * After: ktrap(regs, cr2) was called as kintr is above.  CR2 is read before anything can fault.
 */
    .globl trap_common
trap_common:
/* As intr_common, with CR2 as the second argument, taken before another fault can come. */
    HOLE("1.3", "save the registers and CR2, switch stacks, call ktrap")

/* trap_kernel: the same when the kernel faulted; regs may have been changed by ktrap. */
trap_kernel:
    HOLE("1.5", "call ktrap on the present stack and return to the kernel")


/*
 * void syscall_entry(void): SYSCALL (bonus).  The hardware pushed nothing: RCX is the user's RIP,
 * R11 its RFLAGS, RSP still its own; IF, DF, TF, NT and AC are clear.
 */
    .globl syscall_entry
syscall_entry:
/*
 * 1. syscall_stack, then build the frame that an interrupt would have left.
 * 2. On as in trap_common, but call ksyscall(regs).
 */
    HOLE("1.8", "build a frame, save the registers, call ksyscall")
