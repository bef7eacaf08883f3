/*
 * size_t user_copy(void *to, const void *from, size_t size);
 *
 * Returns the number of bytes that were not copied.  A fault at 1: goes on at 2:, where ECX still
 * counts what is left.  EFLAGS.AC opens the user's pages if SMAP is on; uaccess_ac is 0 if not.
 */
    .text
    .globl user_copy
user_copy:
    push  %edi
    push  %esi
    mov   12(%esp), %edi
    mov   16(%esp), %esi
    mov   20(%esp), %ecx
    pushf
    pushf
    mov   uaccess_ac, %eax
    or    %eax, (%esp)
    popf
1:  rep movsb
2:  popf
    mov   %ecx, %eax
    pop   %esi
    pop   %edi
    ret

    .pushsection .extable, "a"
    .long 1b, 2b
    .popsection
