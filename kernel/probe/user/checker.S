/*
 * checker.S: the ring-3 program of the graded tests.  The host gives it registers, interrupts it
 * here and there, and compares; it checks nothing itself, and the host checks that its bytes are
 * still these.
 */
#ifdef __x86_64__
#define ZERO_DIVIDE  div %ecx
#define READ_MEMORY  mov (%rbx), %eax
#define WRITE_MEMORY mov %eax, (%rbx)
#define FAST_CALL    syscall
#define TABLE_PLACE  sgdt (%rbx)
#else
#define ZERO_DIVIDE  div %ecx
#define READ_MEMORY  mov (%ebx), %eax
#define WRITE_MEMORY mov %eax, (%ebx)
#define FAST_CALL    sysenter
#define TABLE_PLACE  sgdt (%ebx)
#endif

    .text
    .globl _start
_start:
    jmp   checker_sled

/* Instructions that change nothing, at every residue modulo 4. */
    .balign 64
    .globl checker_sled, checker_sled_end
checker_sled:
    .rept 32
    nop
    .endr
checker_sled_end:
    jmp   checker_sled

/* name: one instruction that traps, of `size` bytes, and then a place to go on. */
    .macro trap name, size, code:vararg
    .balign 16
    .globl checker_\name, checker_\name\()_next
checker_\name:
    \code
checker_\name\()_next:
    nop
    nop
    jmp   checker_sled
    .endm

    trap  syscall, 2, int $0x80
    trap  fast, 2, FAST_CALL
    trap  divide, 2, ZERO_DIVIDE         /* no error code */
    trap  opcode, 2, ud2                 /* no error code */
    trap  breakpoint, 1, int3            /* no error code, a trap */
    trap  protection, 2, mov %ecx, %es   /* error code: the selector in CX, without its RPL */
    trap  page, 2, READ_MEMORY           /* error code 4, CR2 */
    trap  touch, 2, READ_MEMORY
    trap  write, 2, WRITE_MEMORY
    trap  tables, 3, TABLE_PLACE         /* a trap only with UMIP */
    trap  fpu, 2, fnop                   /* "device not available" if CR0.TS is set */
    trap  spin, 2, jmp .                 /* no trap at all: stays where it is */

/* What ring 3 may do to GS. */
#ifdef __x86_64__
    trap  gs_base, 5, wrgsbase %rbx
    trap  gs_selector, 2, mov %ecx, %gs
#else
    trap  gs_selector, 2, mov %ecx, %gs
#endif

    .section .rodata
    .ascii "Corral"

    .data
    .balign 4096
    .globl checker_data
checker_data:
    .skip 4096
