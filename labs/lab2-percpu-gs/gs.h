/*
 * gs.h: exercises 2.3 and 2.5, GS on the ways into and out of the kernel.  Macros for assembly;
 * percpu.h is their contract.
 *
 *                          64 bits                        32 bits
 *      in the kernel       GS base = this CPU             GS = PERCPU_SEL, or what ring 3 had
 *                          the other base = ring 3's      (then its first use faults)
 *      in ring 3           the other way round            GS = anything that ring 3 may load
 */
#ifndef CORRAL_GS_H
#define CORRAL_GS_H
#ifdef __ASSEMBLER__

#include "hole.h"
#include "lab2_offsets.h"
#include "layout.h"
#include "offsets.h"

#ifdef __x86_64__

#define MSR_GS_BASE 0xc0000101

/*
 * gs_enter: swaps if ring 3's GS is there.  The CPU has come from ring 3, or the kernel faulted at
 * the one instruction that it executes with ring 3's GS.
 */
    .macro gs_enter regs=%rsp
    /* When is ring 3's GS there?  percpu.h names two cases. */
        HOLE("2.3", "give the kernel its GS, if ring 3's is there")
    .endm

/* gs_exit: RSP is at the hardware's frame, so CS is one word above it. */
    .macro gs_exit
        HOLE("2.3", "give ring 3 its GS back, if it is ring 3 that goes on")
    .endm

/* syscall_stack: RSP is ring 3's and no register is free, but memory is, once GS is ours. */
    .macro syscall_stack
    /*
     * 1. The kernel's GS: SYSCALL comes from ring 3 alone.
     * 2. Keep RSP where push_user_sp finds it, on this CPU.
     * 3. Load what an interrupt would have loaded: CPU_TSS_SP0 of this CPU.
     */
        HOLE("2.3", "swap, keep RSP, load RSP0")
    .endm

    .macro push_user_sp
        HOLE("2.3", "push what syscall_stack kept")
    .endm

/*
 * gs_paranoid_enter: neither CS nor the base itself says whose base it is, since ring 3 can write any
 * base that it likes.  So keep it whatever it is, and put in the one that is surely ours.
 * After: RBX = the base that was there.
 */
    .macro gs_paranoid_enter
    /*
     * 1. Keep the base that is there in RBX.
     * 2. cpu_from_hw() says which one must be there: write it.
     */
        HOLE("2.5", "keep the GS base in RBX, load this CPU's own")
    .endm

    .macro gs_paranoid_exit
        HOLE("2.5", "write back the GS base in RBX")
    .endm

#else

/*
 * gs_enter, gs_exit: nothing.  On the honest path GS is PERCPU_SEL already, in ring 3 too; whatever
 * else ring 3 has put there makes the first access fault, and gs_fixup() repairs it.
 */
    .macro gs_enter regs=%esp
    /*
     * Either load GS here (how, with no register free?), or leave it and let the fault of its
     * first use repair it: then this stays empty, and gs_fixup() is the exercise.
     */
        .ifnb \regs
        HOLE("2.3", "see that the kernel finds its GS")
        .endif
    .endm

    .macro gs_exit
        HOLE("2.3", "give ring 3 its GS back, unless lab 1's code does")
    .endm

/*
 * syscall_stack: GS is ring 3's, and a fault here would find only SYSENTER_WORDS words of stack.  But
 * ESP is inside this CPU's struct cpu, and that is all we need.
 */
    .macro syscall_stack
    /* ESP is CPU_SYSENTER_TOP bytes above this CPU's struct cpu. */
        HOLE("2.3", "load ESP0 of this CPU, without GS")
    .endm

/* gs_paranoid_enter: a repair would end in an IRET, and that lets the next NMI in.  So load it. */
    .macro gs_paranoid_enter
    /* 1. Keep the selector that is there in EBX.  2. Load the kernel's. */
        HOLE("2.5", "keep GS in EBX, load this CPU's own")
    .endm

    .macro gs_paranoid_exit
        HOLE("2.5", "load GS with what is in EBX")
    .endm

#endif
#endif
#endif
