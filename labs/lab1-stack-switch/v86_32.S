/*
 * v86_32.S: bonus exercise 1.9, the way back to virtual-8086 mode.
 */
#include "hole.h"
#include "offsets.h"

    .text

/*
 * v86_frame: puts what IRET wants beyond SS on the stack, below the return address that it pops
 * itself (SDM 3B 21.3.1).  EAX: struct regs, with struct v86_segments above it.  Changes ECX.
 */
    .globl v86_frame
v86_frame:
/*
 * 1. The frame for IRET has four more words: GS, FS, DS, ES above SS.
 * 2. In tss_set_sp0(): the hardware pushes them first, so ESP0 is four words higher.
 * 3. In intr_common and trap_common: CS says nothing here, EFLAGS.VM does.
 */
    HOLE("1.9", "return to a virtual-8086 thread, and know one when it is interrupted")
