/*
 * faults.h: the contract of lab 0, five faults and what their frames say.
 *
 * In stage 0 nothing returns to ring 3.  The kernel makes five faults, one after the other, each at a
 * place of its own, and comes back from each.  Which is which, and some of the words, depend on a
 * number that the student chooses.
 */
#ifndef CORRAL_FAULTS_H
#define CORRAL_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULTS    5
#define LINE_SIZE 16

/* What a frame says, as the student reads it in a debugger at trap_common.  The host reads it. */
struct frame_answer {
    uint64_t vector;
    uint64_t pushed;  /* 1: the CPU pushed an error code, 0: the stub in vectors.S pushed a 0 */
    uint64_t error;   /* the error code */
    uint64_t cs;      /* the saved CS */
    uint64_t offset;  /* the saved instruction pointer, less the place where the fault was made */
    uint64_t address; /* CR2, if this fault sets it, else 0 */
};

/* A line of text that grows: always ended by a NUL, which needs a byte of text[], too. */
struct line {
    uint32_t length;
    char     text[LINE_SIZE];
};

/* ---- written in lab 0 ---- */

/* A number of your own, 1 to 999999, such as the last digits of your student number. */
uint32_t my_number(void);

/* What the frames of faults 1 to 5 say, in 64 bits. */
void answer_1(struct frame_answer *answer);
void answer_2(struct frame_answer *answer);
void answer_3(struct frame_answer *answer);
void answer_4(struct frame_answer *answer);
void answer_5(struct frame_answer *answer);

/* Adds a character to a line.  False: there is no room, and nothing has changed. */
bool line_put(struct line *line, char c);

/* ---- given ---- */

/* Makes fault 1 to FAULTS and comes back.  Ring 0, CPU 0. */
void fault_make(unsigned number);

/* The place where a fault is made: what the saved instruction pointer is counted from. */
uintptr_t fault_place(unsigned number);

#endif
