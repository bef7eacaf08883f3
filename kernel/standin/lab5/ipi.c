/*
 * ipi.c: stand-in for lab 5.  Nobody asks another CPU for anything.
 */
#include "ipi.h"

void ipi_poll(void)
{
}
