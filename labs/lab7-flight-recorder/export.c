/*
 * export.c: exercise 7.4, the timeline in memory that a program reads.
 */
#include "errno.h"
#include "hole.h"
#include "lab7.h"


int trace_map(struct trace_reader *reader, struct address_space *as)
{
    /* Two pages of zeros, with the rights of trace_abi.h. */
    HOLE("7.4", "show the timeline to a program, and believe nothing that it says");
}

void trace_unmap(struct trace_reader *reader)
{
    (void)reader;
}

int trace_export(struct trace_reader *reader)
{
    /* How much room is there, if what the program says can be true?  In which order: room, event,
       slot, count? */
    HOLE("7.4", "move events into the slots that the program has read");
}
