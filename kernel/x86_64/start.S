/*
 * start.S: from GRUB's 32-bit protected mode to kmain() in long mode.
 *
 *   GRUB:  EAX = magic, EBX = physical address of the boot information, paging off, flat segments.
 *
 * The boot tables map the first GiB three times: at 0 (this code and the trampoline of the other
 * CPUs run there), at DIRECT_BASE and at KERNEL_BASE.  mm_init() replaces them on CPU 0; the other
 * CPUs start on them.
 */
#include "layout.h"

#define PRESENT_WRITE 0x003
#define LARGE         0x080
#define CR0_PE_WP_PG  0x80010001
#define CR4_PAE       0x20
#define EFER          0xc0000080
#define EFER_LME_NXE  0x900

    .section .boot.text, "ax"
    .code32
    .globl start
start:
    cli
    cld
    /* 1. A stack, and what GRUB gave us out of the way. */
    mov   $boot_stack_top, %esp
    mov   %eax, %esi
    mov   %ebx, %edi

    /* 2. The tables: one page directory of 2 MiB pages, reached by three roads. */
    movl  $boot_pdpt + PRESENT_WRITE, boot_pml4
    movl  $boot_pdpt + PRESENT_WRITE, boot_pml4 + 8 * 256
    movl  $boot_pdpt_image + PRESENT_WRITE, boot_pml4 + 8 * 511
    movl  $boot_pd + PRESENT_WRITE, boot_pdpt
    movl  $boot_pd + PRESENT_WRITE, boot_pdpt_image + 8 * 510
    xor   %ecx, %ecx
1:  mov   %ecx, %eax
    shl   $21, %eax
    or    $PRESENT_WRITE + LARGE, %eax
    mov   %eax, boot_pd(, %ecx, 8)
    inc   %ecx
    cmp   $512, %ecx
    jb    1b

    /* 3. PAE, long mode, paging (SDM 3A 10.8.5). */
    mov   %cr4, %eax
    or    $CR4_PAE, %eax
    mov   %eax, %cr4
    mov   $boot_pml4, %eax
    mov   %eax, %cr3
    mov   $EFER, %ecx
    rdmsr
    or    $EFER_LME_NXE, %eax
    wrmsr
    mov   $CR0_PE_WP_PG, %eax
    mov   %eax, %cr0
    lgdt  boot_gdtr
    ljmp  $KERNEL_CS, $2f

    /* 4. 64-bit code, first here and then at the address that it was linked for. */
    .code64
2:  mov   $KERNEL_DS, %eax
    .irp segment, ds, es, ss
    mov   %eax, %\segment
    .endr
    xor   %eax, %eax
    mov   %eax, %fs
    mov   %eax, %gs
    movabs $high, %rax
    jmp   *%rax

    .text
    .code64
high:
    mov   cpus_kstack0(%rip), %rsp
    xor   %ebp, %ebp              /* the end of every backtrace */
    xchg  %edi, %esi              /* kmain(magic, boot information) */
    call  kmain

    .section .boot.data, "aw"
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff      /* KERNEL_CS: 64-bit code */
    .quad 0x00cf93000000ffff      /* KERNEL_DS */
boot_gdtr:
    .short boot_gdtr - boot_gdt - 1
    .quad boot_gdt

    .section .boot.bss, "aw", @nobits
    .balign 4096
    .globl boot_page_root
boot_page_root:
boot_pml4:       .skip 4096
boot_pdpt:       .skip 4096
boot_pdpt_image: .skip 4096
boot_pd:         .skip 4096
                 .skip 256
boot_stack_top:
