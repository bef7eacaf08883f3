/*
 * lab3.h: what this lab keeps in each CPU.
 */
#ifndef CORRAL_LAB3_H
#define CORRAL_LAB3_H

#include "nmi.h"

#define LOG_SLOTS 8 /* lines that wait for the log; nmi_log() promises 4 */

enum nmi_state { NMI_NOT_RUNNING, NMI_EXECUTING, NMI_LATCHED };

enum slot_state { SLOT_FREE, SLOT_TAKEN, SLOT_FULL };

struct log_slot {
    uint32_t state; /* enum nmi_state { NMI_NOT_RUNNING, NMI_EXECUTING, NMI_LATCHED };

enum slot_state */
    char     text[LOG_LINE_SIZE];
};

struct lab3_cpu {
    uint32_t        pending;  /* a bit for each work that was deferred */
    uint32_t        state;    /* 32 bits: enum nmi_state, of this CPU's one NMI handler */
    uint32_t        log_busy; /* 1 while somebody writes to the log */
    struct log_slot slot[LOG_SLOTS];
};
_Static_assert(sizeof(struct lab3_cpu) <= LAB3_AREA_SIZE, "the area is too small");

#endif
