/*
 * hole.h: the place where an exercise is still to be written.
 *
 * HOLE("1.2", "what to write") leaves a record that the build can read, and stops the kernel with a
 * sentence when it is run.  It never returns.  It works in C and in assembly.
 */
#ifndef CORRAL_HOLE_H
#define CORRAL_HOLE_H

/* Sizes of the fields of a record; the record is 256 bytes. */
#define HOLE_ID_SIZE   8
#define HOLE_FILE_SIZE 80
#define HOLE_WHAT_SIZE 164

#ifdef __ASSEMBLER__

/* clang-format off */
#ifdef __x86_64__
#define HOLE_ARGUMENT(label) lea label(%rip), %rdi
#else
#define HOLE_ARGUMENT(label) push $label
#endif
#define HOLE(id, what)                                          \
    .pushsection .corral.holes, "a";                            \
9999: .ascii id;       .org 9999b + HOLE_ID_SIZE, 0;            \
    .ascii __FILE__;   .org 9999b + HOLE_ID_SIZE + HOLE_FILE_SIZE, 0;  \
    .long __LINE__;                                             \
    .ascii what;       .org 9999b + 256, 0;                     \
    .popsection;                                                \
    HOLE_ARGUMENT(9999b);                                       \
    call hole_reached
/* clang-format on */

#else

#include <stdint.h>

struct hole {
    char     id[HOLE_ID_SIZE];     /* the exercise, such as "1.2" */
    char     file[HOLE_FILE_SIZE]; /* where it is to be written */
    uint32_t line;
    char     what[HOLE_WHAT_SIZE]; /* one sentence without its full stop */
};

/* Panics with the sentence of this hole.  Any level, any CPU. */
_Noreturn void hole_reached(const struct hole *hole);

#define HOLE_RECORD(id, what)                                                                      \
    static const struct hole hole_here __attribute__((section(".corral.holes"), used)) = {         \
        id, __FILE__, __LINE__, what}

#define HOLE(id, what)                                                                             \
    do {                                                                                           \
        HOLE_RECORD(id, what);                                                                     \
        hole_reached(&hole_here);                                                                  \
    } while (0)

/* The same record, but the kernel goes on: for what it can do without until it is written. */
#define HOLE_LATER(id, what)                                                                       \
    do {                                                                                           \
        HOLE_RECORD(id, what);                                                                     \
        (void)&hole_here;                                                                          \
    } while (0)

#endif
#endif
