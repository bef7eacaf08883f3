/*
 * size_t user_copy(void *to, const void *from, size_t size);
 *
 * Returns the number of bytes that were not copied.  A fault at 1: goes on at 2:, where RCX still
 * counts what is left.  EFLAGS.AC opens the user's pages if SMAP is on; uaccess_ac is 0 if not.
 */
    .text
    .globl user_copy
user_copy:
    mov   %rdx, %rcx
    pushfq
    pushfq
    mov   uaccess_ac(%rip), %eax
    or    %rax, (%rsp)
    popfq
1:  rep movsb
2:  popfq
    mov   %rcx, %rax
    ret

    .pushsection .extable, "a"
    .quad 1b, 2b
    .popsection
