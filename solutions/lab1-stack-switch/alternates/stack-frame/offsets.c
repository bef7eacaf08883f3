/*
 * offsets.c: would make lab1_offsets.h; this lab's assembly needs no offset of its own.
 */
