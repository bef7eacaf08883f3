/*
 * uint32_t corral_answer(void);
 *
 * Gives the number that is in its first instruction, of CORRAL_SIZE bytes: opcode and 4 bytes.
 */
    .text
    .balign 16
    .globl corral_answer
corral_answer:
    mov   $1, %eax
    ret
