/*
 * line.c: the byte for the NUL is counted where it is needed.
 */
#include "faults.h"

bool line_put(struct line *line, char c)
{
    uint32_t last = line->length + 1; /* where the NUL goes */
    if (last == LINE_SIZE)
        return false;
    line->text[last - 1] = c;
    line->text[last] = '\0';
    line->length = last;
    return true;
}
