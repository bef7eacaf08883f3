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

    /* BEGIN 3.4 */
/*
 * So the first thing is to leave that place, the landing pad.  Nothing up to there may fault, or the
 * IRET of that fault would let the second one land on the first.
 *
 *      own_top -  56     a few words more are used below the frame
 *      own_top - PAD     busy: 1 while an NMI is handled here
 *      own_top - PAD - 8 the same seven words again, for good
 *                        the general registers, then C code; a nested NMI goes on below
 */
#define FRAME    56                     /* bytes of the seven words */
#define PUSHED   24                     /* three registers on the landing pad */
#define PAD      128                    /* a multiple of 16 */
#define BUSY     (FRAME + PUSHED - PAD) /* from RSP, on the landing pad */
    /* INSTEAD 3.4 */
    /* END 3.4 */

    /* BEGIN 3.2 */
    .macro save_regs
    push  %rdi
    push  %rsi
    push  %rdx
    push  %rcx
    push  %rax
    push  %r8
    push  %r9
    push  %r10
    push  %r11
    push  %rbx
    push  %rbp
    push  %r12
    push  %r13
    push  %r14
    push  %r15
    .endm

    .macro restore_regs
    pop   %r15
    pop   %r14
    pop   %r13
    pop   %r12
    pop   %rbp
    pop   %rbx
    pop   %r11
    pop   %r10
    pop   %r9
    pop   %r8
    pop   %rax
    pop   %rcx
    pop   %rdx
    pop   %rsi
    pop   %rdi
    add   $REGS_IP - REGS_VECTOR, %rsp
    .endm
    /* INSTEAD 3.2 */
    //| /* save_regs, restore_regs: struct regs (regs.h) below the stub's two words, and back. */
    //|     .macro save_regs
    //|     .endm
    //|     .macro restore_regs
    //|     .endm
    /* END 3.2 */

/*
 * Calls a C function with what C code wants: DF clear, this CPU's GS.  RSP is at a complete struct
 * regs, which is the argument.  CR2 is kept: the function may fault, and a page fault that was
 * interrupted may not have read it yet.
 */
    /* BEGIN 3.2 */
    .macro call_safely function
    cld
    mov   %rsp, %rbp
    mov   %cr2, %rax
    push  %rax
    push  %rax                        /* twice: RSP stays a multiple of 16 */
    gs_paranoid_enter
    mov   %rbp, %rdi
    call  \function
    gs_paranoid_exit
    pop   %rax
    pop   %rax
    mov   %rax, %cr2
    .endm
    /* INSTEAD 3.2 */
    //|     .macro call_safely function
    //|     .endm
    /* END 3.2 */

    /* BEGIN 3.4 */
/*
 * Moves the frame from the landing pad to where it can stay, and RSP with it.
 *
 * Whose code was interrupted?  If it was an NMI handler of this CPU, its frame must survive, and the
 * new one goes below.  The saved RSP does not say so: ring 3 can execute SYSCALL with any RSP.  The
 * word `busy` says it.  It is set while NMIs are blocked.  It is cleared before IRET, and an NMI can
 * come in between: that one is known by its RIP, sets the word again, and sends the handler back to
 * where it is cleared.
 */
    .macro leave_landing_pad
    push  %rax
    push  %rcx
    push  %rdx
    lea   BUSY(%rsp), %rax                      /* where the frame goes if nobody is here */
    testb $3, PUSHED + 8 * 3(%rsp)              /* CS */
    jnz   3f                                    /* ring 3: no handler was interrupted */
    cmpq  $nmi_iret, PUSHED + 8 * 2(%rsp)       /* RIP */
    je    1f
    cmpq  $0, BUSY(%rsp)
    je    3f
    jmp   2f
1:  movq  $nmi_done, PUSHED + 8 * 2(%rsp)
    movq  $1, BUSY(%rsp)
2:  mov   PUSHED + 8 * 5(%rsp), %rax            /* below what was interrupted: its RSP */
    sub   $8, %rax
    and   $-16, %rax
3:  movq  $1, (%rax)                            /* busy; a word without meaning if nested */
    mov   $FRAME / 8, %ecx
4:  mov   PUSHED - 8(%rsp, %rcx, 8), %rdx
    mov   %rdx, -FRAME - 8(%rax, %rcx, 8)
    dec   %ecx
    jnz   4b
    sub   $FRAME, %rax
    mov   %rax, PUSHED(%rsp)                    /* the vector's place: it has moved */
    pop   %rdx
    pop   %rcx
    pop   %rax
    mov   (%rsp), %rsp                          /* the landing pad is free for the next one */
    .endm
    /* INSTEAD 3.4 */
    //| /* leave_landing_pad: exercise 3.4, if your handler may fault. */
    //|     .macro leave_landing_pad
    //|     .endm
    /* END 3.4 */

    .text

/* void nmi_entry(void): see nmi.h. */
    .globl nmi_entry
nmi_entry:
    leave_landing_pad
    /* BEGIN 3.2 */
    save_regs
    call_safely knmi
    restore_regs
nmi_done:
    movq  $0, 8 * 5(%rsp)             /* not busy: the word above the frame */
nmi_iret:
    iretq
    /* INSTEAD 3.2 */
    //| /*
    //|  * 1. Save every register, on the stack that exercise 3.1 gave you.
    //|  * 2. Give C code what it wants (call_safely), with the saved registers as argument of knmi.
    //|  * 3. Load every register, and IRET.
    //|  */
    //|     HOLE("3.2", "save everything, trust nothing, call knmi, give everything back")
    /* END 3.2 */

/*
 * void mc_entry(void): a machine check.  The CPU stops if a second comes before the first has ended
 * (SDM 3B 16.8), so this needs no landing pad.
 */
    .globl mc_entry
mc_entry:
    /* BEGIN 3.6 */
    save_regs
    call_safely kmce
    restore_regs
    iretq
    /* INSTEAD 3.6 */
    //|     HOLE("3.6", "the same for kmce, on the stack of machine checks")
    /* END 3.6 */
