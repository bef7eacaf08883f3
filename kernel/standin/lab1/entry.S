/*
 * entry.S: stand-in for lab 1.  Nothing goes to ring 3 and no interrupt is let in, so all there is are
 * faults of the kernel: void fault_taken(struct frame *frame, uintptr_t cr2) looks at the frame and
 * says where to go on.
 *
 *      at trap_common              64 bits   32 bits
 *      SS, SP                      +48, +40  (not there)
 *      FLAGS, CS, IP               +32 ..    +16 ..
 *      error code                  + 8       + 4
 *      vector                      + 0       + 0       <- SP
 */
    .text
    .globl trap_common, intr_common, syscall_entry, user_iret
trap_common:
#ifdef __x86_64__
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, rbp
    push  %\register
    .endr
    mov   %rsp, %rbp
    lea   80(%rsp), %rdi
    mov   %cr2, %rsi
    cld
    and   $-16, %rsp
    call  fault_taken
    mov   %rbp, %rsp
    .irp register, rbp, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    pop   %\register
    .endr
    add   $16, %rsp
    iretq
#else
    push  %eax
    push  %ecx
    push  %edx
    push  %ebp
    mov   %esp, %ebp
    lea   16(%esp), %eax
    mov   %cr2, %ecx
    cld
    and   $-16, %esp
    sub   $8, %esp
    push  %ecx
    push  %eax
    call  fault_taken
    mov   %ebp, %esp
    pop   %ebp
    pop   %edx
    pop   %ecx
    pop   %eax
    add   $8, %esp
    iret
#endif

/* Interrupts stay off, and nothing comes from ring 3. */
intr_common:
syscall_entry:
user_iret:
    ud2
