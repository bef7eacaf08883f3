/*
 * answers.c: exercises 0.2 to 0.6, what your five frames say in 64 bits.
 *
 * Stop at trap_common in a debugger and read the frame.  Numbers may be written 14 or 0xe.
 */
#include "faults.h"
#include "hole.h"

void answer_1(struct frame_answer *answer)
{
    /* BEGIN 0.2 */
    answer->vector = 6;
    answer->pushed = 0;
    answer->error = 0;
    answer->cs = 0x8;
    answer->offset = 3;
    answer->address = 0;
    /* INSTEAD 0.2 */
    //| HOLE("0.2", "set the six fields of *answer for fault 1");
    /* END 0.2 */
}

void answer_2(struct frame_answer *answer)
{
    /* BEGIN 0.3 */
    answer->vector = 3;
    answer->pushed = 0;
    answer->error = 0;
    answer->cs = 0x8;
    answer->offset = 2;
    answer->address = 0;
    /* INSTEAD 0.3 */
    //| HOLE("0.3", "set the six fields of *answer for fault 2");
    /* END 0.3 */
}

void answer_3(struct frame_answer *answer)
{
    /* BEGIN 0.4 */
    answer->vector = 13;
    answer->pushed = 1;
    answer->error = 0x248;
    answer->cs = 0x8;
    answer->offset = 7;
    answer->address = 0;
    /* INSTEAD 0.4 */
    //| HOLE("0.4", "set the six fields of *answer for fault 3");
    /* END 0.4 */
}

void answer_4(struct frame_answer *answer)
{
    /* BEGIN 0.5 */
    answer->vector = 14;
    answer->pushed = 1;
    answer->error = 2;
    answer->cs = 0x8;
    answer->offset = 16;
    answer->address = 0x14b0;
    /* INSTEAD 0.5 */
    //| HOLE("0.5", "set the six fields of *answer for fault 4");
    /* END 0.5 */
}

void answer_5(struct frame_answer *answer)
{
    /* BEGIN 0.6 */
    answer->vector = 0;
    answer->pushed = 0;
    answer->error = 0;
    answer->cs = 0x8;
    answer->offset = 9;
    answer->address = 0;
    /* INSTEAD 0.6 */
    //| HOLE("0.6", "set the six fields of *answer for fault 5");
    /* END 0.6 */
}
