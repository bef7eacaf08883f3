/*
 * log.c: exercise 3.7, a log that an NMI may write to.
 *
 * klog_put() must not be entered twice.  Whoever finds it taken was called from an interrupt or an
 * NMI of the one who has it, on this same CPU: to wait would be to wait for oneself.  So the line is
 * left in a slot, and the one who has the log writes it when its own is done.
 */
#include "hole.h"
#include "lab3.h"
#include "string.h"


/* nmi_log(text): see nmi.h. */
void nmi_log(const char *text)
{
    /*
     * Who can have the log when you find it taken?  What must you not do then?
     * Where is your line until it can be written, and who writes it?
     */
    HOLE("3.7", "write the line now, or leave it for whoever has the log");
}
