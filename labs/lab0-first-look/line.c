/*
 * line.c: exercise 0.7, a line of text that grows.
 */
#include "faults.h"

/* line_put(line, c): see faults.h.  There is a bug in it. */
bool line_put(struct line *line, char c)
{
    if (line->length >= LINE_SIZE)
        return false;
    line->text[line->length++] = c;
    line->text[line->length] = '\0';
    return true;
}
