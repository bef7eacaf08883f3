/*
 * answers.c: exercises 0.2 to 0.6, what your five frames say in 64 bits.
 *
 * Stop at trap_common in a debugger and read the frame.  Numbers may be written 14 or 0xe.
 */
#include "faults.h"
#include "hole.h"

void answer_1(struct frame_answer *answer)
{
    HOLE("0.2", "set the six fields of *answer for fault 1");
}

void answer_2(struct frame_answer *answer)
{
    HOLE("0.3", "set the six fields of *answer for fault 2");
}

void answer_3(struct frame_answer *answer)
{
    HOLE("0.4", "set the six fields of *answer for fault 3");
}

void answer_4(struct frame_answer *answer)
{
    HOLE("0.5", "set the six fields of *answer for fault 4");
}

void answer_5(struct frame_answer *answer)
{
    HOLE("0.6", "set the six fields of *answer for fault 5");
}
