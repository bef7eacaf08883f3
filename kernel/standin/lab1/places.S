/*
 * places.S: stand-in for lab 1, and what stage 0 shows: five places at which the kernel faults.
 *
 * A place is a function that pushes nothing, so the handler can leave it by going to places_out.
 * fault_address and fault_selector hold what depends on the student's number.
 */
#ifdef __x86_64__
#define AX %rax
#define AT(name) name(%rip)
#else
#define AX %eax
#define AT(name) name
#endif

    .text
    .globl place_a, place_b, place_c, place_d, place_e, places_out
place_a:
    mov   AT(fault_address), AX
    cmpl  $0, AT(fault_writes)
    je    1f
    movl  $1, (AX)
1:  movl  (AX), %ecx
    ret
place_b:
    nop
    int3
    ret
place_c:
    mov   $7, %eax
    xor   %edx, %edx
    xor   %ecx, %ecx
    div   %ecx
    ret
place_d:
    movl  AT(fault_selector), %eax
    nop
    movl  %eax, %es
    ret
place_e:
    nop
    nop
    nop
    ud2
places_out:
    ret
