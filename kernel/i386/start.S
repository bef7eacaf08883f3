/*
 * start.S: from GRUB's protected mode to kmain() with PAE paging.
 *
 *   GRUB:  EAX = magic, EBX = physical address of the boot information, paging off, flat segments.
 *
 * The boot tables map the first GiB twice: at 0 (this code and the trampoline of the other CPUs run
 * there) and at KERNEL_BASE.  mm_init() replaces them on CPU 0; the other CPUs start on them.
 */
#include "layout.h"

#define PRESENT       0x001
#define PRESENT_WRITE 0x003
#define LARGE         0x080
#define CR0_PE_WP_PG  0x80010001
#define CR4_PAE       0x20
#define EFER          0xc0000080
#define EFER_NXE      0x800

    .section .boot.text, "ax"
    .globl start
start:
    cli
    cld
    /* 1. What GRUB gave us out of the way. */
    mov   %eax, %esi
    mov   %ebx, %edi

    /* 2. The tables: one page directory of 2 MiB pages, reached by two roads. */
    movl  $boot_pd + PRESENT, boot_pdpt
    movl  $boot_pd + PRESENT, boot_pdpt + 8 * 3
    xor   %ecx, %ecx
1:  mov   %ecx, %eax
    shl   $21, %eax
    or    $PRESENT_WRITE + LARGE, %eax
    mov   %eax, boot_pd(, %ecx, 8)
    inc   %ecx
    cmp   $512, %ecx
    jb    1b

    /* 3. PAE, the no-execute bit, paging (SDM 3A 4.1.2). */
    mov   %cr4, %eax
    or    $CR4_PAE, %eax
    mov   %eax, %cr4
    mov   $boot_pdpt, %eax
    mov   %eax, %cr3
    mov   $EFER, %ecx
    rdmsr
    or    $EFER_NXE, %eax
    wrmsr
    mov   $CR0_PE_WP_PG, %eax
    mov   %eax, %cr0

    /* 4. Our own segments, and on to the address that the kernel was linked for. */
    lgdt  boot_gdtr
    ljmp  $KERNEL_CS, $2f
2:  mov   $KERNEL_DS, %eax
    .irp segment, ds, es, ss
    mov   %eax, %\segment
    .endr
    xor   %eax, %eax
    mov   %eax, %fs
    mov   %eax, %gs
    mov   $high, %eax
    jmp   *%eax

    .text
high:
    mov   cpus_kstack0, %esp
    xor   %ebp, %ebp              /* the end of every backtrace */
    push  %edi
    push  %esi
    call  kmain                   /* kmain(magic, boot information) */

    .section .boot.data, "aw"
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff      /* KERNEL_CS */
    .quad 0x00cf93000000ffff      /* KERNEL_DS */
boot_gdtr:
    .short boot_gdtr - boot_gdt - 1
    .long boot_gdt

    .section .boot.bss, "aw", @nobits
    .balign 4096
boot_pd:   .skip 4096
    .globl boot_page_root
boot_page_root:
boot_pdpt: .skip 32
