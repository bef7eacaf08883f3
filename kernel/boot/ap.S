/*
 * ap.S: from real mode to
 *
 *     _Noreturn void ap_main(struct cpu *cpu);
 *
 * smp.c copies this code to AP_PAGE and fills in its values. A CPU that gets STARTUP begins at the
 * first byte, in real mode with CS = AP_PAGE / 16, and with its caches on as the firmware left them.
 * All the code runs in that page, which the boot page tables map at its physical address.
 */
#include "layout.h"
#include "smp.h"

#define CR0_PE   0x1
#define CR4_PAE  0x20
#define MSR_EFER 0xc0000080

/* Where a label is when the code has been copied. */
#define COPY(label) (AP_PAGE + label - ap_code)

#define CODE32_64 0x18         /* 32-bit code on the road to 64 bits */

    .section .rodata
    .balign 16
    .globl ap_code, ap_values, ap_code_end
    .code16
ap_code:
    /* 1. Data segments, and a sign of life. */
    cli
    cld
    xorw  %ax, %ax
    movw  %ax, %ds
    movl  $1, COPY(started)

    /* 2. Protected mode. */
    lgdtl COPY(gdtr)
    movl  %cr0, %eax
    orl   $CR0_PE, %eax
    movl  %eax, %cr0
#ifdef __x86_64__
    ljmpl $CODE32_64, $COPY(protected)
#else
    ljmpl $KERNEL_CS, $COPY(protected)
#endif

    .code32
protected:
    movl  $KERNEL_DS, %eax
    movl  %eax, %ds
    movl  %eax, %es
    movl  %eax, %ss
    xorl  %eax, %eax
    movl  %eax, %fs
    movl  %eax, %gs

    /* 3. Paging: PAE, the boot page tables, EFER (long mode, no-execute), and CR0 last. */
    movl  $CR4_PAE, %eax
    movl  %eax, %cr4
    movl  COPY(cr3_value), %eax
    movl  %eax, %cr3
    movl  COPY(efer_value), %eax
    testl %eax, %eax
    jz    1f
    movl  $MSR_EFER, %ecx
    xorl  %edx, %edx
    wrmsr
1:  movl  COPY(cr0_value), %eax
    movl  %eax, %cr0

    /* 4. The stack, and up to where the kernel is linked. The return address 0 ends a backtrace. */
#ifdef __x86_64__
    ljmpl $KERNEL_CS, $COPY(long_mode)

    .code64
long_mode:
    movq  COPY(stack_value), %rsp
    movq  COPY(cpu_value), %rdi
    xorl  %ebp, %ebp
    pushq $0
    movq  $ap_main, %rax
    jmp   *%rax
#else
    movl  COPY(stack_value), %esp
    subl  $12, %esp            /* keeps the stack at 16 where ap_main() is entered */
    xorl  %ebp, %ebp
    pushl COPY(cpu_value)
    pushl $0
    movl  $ap_main, %eax
    jmp   *%eax
#endif

    .balign 8
gdt:
    .quad 0
#ifdef __x86_64__
    .quad 0x00af9b000000ffff   /* KERNEL_CS: 64-bit code */
#else
    .quad 0x00cf9b000000ffff   /* KERNEL_CS: 32-bit code */
#endif
    .quad 0x00cf93000000ffff   /* KERNEL_DS */
    .quad 0x00cf9b000000ffff   /* CODE32_64 */
gdtr:
    .short gdtr - gdt - 1
    .long COPY(gdt)

    /* struct ap_values of smp.c. */
    .balign 8
ap_values:
cr0_value:   .long 0
cr3_value:   .long 0
efer_value:  .long 0
started:     .long 0
stack_value: .quad 0
cpu_value:   .quad 0
ap_code_end:
