/*
 * answers.c: exercises 0.2 to 0.6, what your five frames say in 64 bits.
 *
 * Stop at trap_common in a debugger and read the frame.  Numbers may be written 14 or 0xe.
 */
#include "faults.h"

void answer_1(struct frame_answer *answer)
{
    answer->vector = 0;
    answer->pushed = 0;
    answer->error = 0;
    answer->cs = 0x8;
    answer->offset = 9;
    answer->address = 0;
}

void answer_2(struct frame_answer *answer)
{
    answer->vector = 6;
    answer->pushed = 0;
    answer->error = 0;
    answer->cs = 0x8;
    answer->offset = 3;
    answer->address = 0;
}

void answer_3(struct frame_answer *answer)
{
    answer->vector = 3;
    answer->pushed = 0;
    answer->error = 0;
    answer->cs = 0x8;
    answer->offset = 2;
    answer->address = 0;
}

void answer_4(struct frame_answer *answer)
{
    answer->vector = 13;
    answer->pushed = 1;
    answer->error = 0x2a0;
    answer->cs = 0x8;
    answer->offset = 7;
    answer->address = 0;
}

void answer_5(struct frame_answer *answer)
{
    answer->vector = 14;
    answer->pushed = 1;
    answer->error = 0;
    answer->cs = 0x8;
    answer->offset = 22;
    answer->address = 0x9a60;
}
