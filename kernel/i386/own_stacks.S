/*
 * own_stacks.S: debug exceptions, and where the tasks of double fault and machine check start.
 *
 * A debug exception has an ordinary interrupt gate.  SYSENTER does not clear TF, so ring 3 can make
 * the CPU stop on the first instruction of syscall_entry, in ring 0: go on there without TF.
 *
 *      +16 EFLAGS
 *      +12 CS
 *      + 8 EIP
 *      + 4 error     the stub's
 *      + 0 vector    <- ESP
 */
#define TF 0x100

    .text
    .globl debug_entry
debug_entry:
    testb $3, 12(%esp)
    jnz   trap_common
    cmpl  $syscall_entry, 8(%esp)
    jne   trap_common
    andl  $~TF, 16(%esp)
    add   $8, %esp
    iret

/* The stubs of these two vectors are not used: their gates are task gates. */
    .globl double_fault_entry, machine_check_entry
double_fault_entry:
machine_check_entry:
    jmp   trap_common

/* A task starts here with a stack of its own; in this CPU's TSS is what it interrupted. */
    .globl double_fault_task, machine_check_task
double_fault_task:
    push  $8
    jmp   1f
machine_check_task:
    push  $18
1:  call  own_task                /* void own_task(unsigned vector); does not return */
