/*
 * uint32_t probe_patched(void);
 * uint32_t probe_poked(void);
 * uint32_t probe_other(void);
 * void probe_rest(void);
 *
 * Code that lab 5 writes over.  The bytes are the same in both widths.
 */
    .text

/* Four instructions: 4 as they are; any mixture of old and new gives a number of its own. */
    .balign 64
    .globl probe_patched, probe_patch_site, probe_patch_end
probe_patched:
    xor   %eax, %eax
probe_patch_site:
    .rept 4
    add   $1, %al
    .endr
probe_patch_end:
    ret

/*
 * One instruction of five bytes: a NOP gives 1, a jump to one of the targets 2.  That jump goes back, and
 * further than one byte can say.
 */
    .balign 64
    .globl probe_poked, probe_poke_site, probe_poke_target, probe_second_target
probe_second_target:
    mov   $2, %eax
    ret
probe_poke_target:
    mov   $2, %eax
    ret
    .skip 256, 0xcc
    .balign 64
probe_poked:
    xor   %eax, %eax
probe_poke_site:
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
    mov   $1, %eax
    ret

/* Another one, whose jump goes on: 3 and 4. */
    .balign 64
    .globl probe_other, probe_other_site, probe_other_target
probe_other:
    xor   %eax, %eax
probe_other_site:
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
    mov   $3, %eax
    ret
probe_other_target:
    mov   $4, %eax
    ret

/* Has nothing to do, and takes interrupts if they are on.  Does not return. */
    .globl probe_rest
probe_rest:
    nop                     /* the host stops here, or behind it: at PAUSE that costs more */
    nop
    pause
    jmp   probe_rest
