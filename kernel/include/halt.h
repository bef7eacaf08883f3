/*
 * halt.h: turning the machine off.
 */
#ifndef CORRAL_HALT_H
#define CORRAL_HALT_H

/* Powers off where the machine knows how, else stops this CPU for good.  Any level. */
_Noreturn void machine_halt(void);

#endif
