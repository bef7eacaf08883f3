/* line.h: one line from the console. */
#ifndef USER_LINE_H
#define USER_LINE_H

#include <stddef.h>

/*
 * Waits for a line and stores it in `buf` with a NUL and no line end; returns its length.
 * `size` is at least 1; what does not fit is not echoed. Backspace removes a character,
 * Ctrl-U the line, Ctrl-C gives the line up (length 0). Arrow keys and the like are ignored.
 */
size_t read_line(char *buf, size_t size);

#endif
