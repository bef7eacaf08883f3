/*
 * nmi32.S: NMIs and machine checks in 32 bits, by plain interrupt gates.
 *
 *      from ring 3: SS and ESP of the program; from the kernel: what was on its stack
 *      EFLAGS
 *      CS
 *      EIP
 *      error
 *      vector        <- ESP at nmi_entry, mc_entry
 *
 * ESP is on a real stack, with one exception: from SYSENTER to the first instruction of
 * syscall_entry it is on a few words inside struct cpu, and so it is in a debug exception that comes
 * there.  The kernel stack is empty then.
 */
#include "gs.h"
#include "lab3_offsets.h"
#include "offsets.h"

#define WORDS  5                      /* of a frame from ring 0, with error and vector */
#define PUSHED 12                     /* three registers */

/* The registers, a C function with the kernel's segments and GS, CR2, and the registers again. */
    .macro handle function
    pusha
    push  %ds
    push  %es
    push  %fs
    push  %gs
    mov   $KERNEL_DS, %eax
    mov   %eax, %ds
    mov   %eax, %es
    cld
    mov   %esp, %ebp
    mov   %cr2, %eax
    and   $-16, %esp
    push  %eax
    sub   $12, %esp
    gs_paranoid_enter
    mov   %ebp, (%esp)
    call  \function
    gs_paranoid_exit
    mov   12(%esp), %eax
    mov   %eax, %cr2
    mov   %ebp, %esp
    pop   %gs
    pop   %fs
    pop   %es
    pop   %ds
    popa
    add   $REGS_IP - REGS_VECTOR, %esp
    .endm

/*
 * An entry.  On the few words: the frame goes to the kernel stack's top, and ESP with it; in the end
 * it goes back, because IRET to ring 0 leaves ESP just above the frame.
 */
    .macro entry function
    push  %eax
    push  %ecx
    push  %edx
    lea   PUSHED(%esp), %eax
    sub   $cpus, %eax
    cmp   $CPUS_SIZE, %eax
    jb    1f
    pop   %edx
    pop   %ecx
    pop   %eax
    handle \function
    iret

1:  sub   $8, %esp
    sgdt  (%esp)                      /* each CPU has a GDT of its own, in its struct cpu */
    mov   2(%esp), %eax
    add   $8, %esp
    mov   %ss:CPU_TSS_SP0 - CPU_GDT(%eax), %eax
    lea   PUSHED + 4 * WORDS(%esp), %edx
    sub   $4, %eax
    mov   %edx, %ss:(%eax)            /* ESP as it has to be in the end */
    mov   $WORDS, %ecx
2:  mov   PUSHED - 4(%esp, %ecx, 4), %edx
    sub   $4, %eax
    mov   %edx, %ss:(%eax)
    dec   %ecx
    jnz   2b
    mov   %eax, PUSHED(%esp)          /* the vector's place: it has moved */
    pop   %edx
    pop   %ecx
    pop   %eax
    mov   (%esp), %esp
    handle \function
    push  %eax
    mov   16(%esp), %eax              /* above EIP, CS, EFLAGS */
    popl  %ss:-16(%eax)
    popl  %ss:-12(%eax)
    popl  %ss:-8(%eax)
    popl  %ss:-4(%eax)
    lea   -16(%eax), %esp
    pop   %eax
    iret
    .endm

    .text

/* void nmi_entry(void), void mc_entry(void): see nmi.h. */
    .globl nmi_entry, mc_entry
nmi_entry:
    entry knmi
mc_entry:
    entry kmce
