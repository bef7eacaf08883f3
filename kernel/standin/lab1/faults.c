/*
 * faults.c: stand-in for lab 1: stage 0 makes faults and comes back from them.
 */
#include "faults.h"
#include "panic.h"
#include "trap.h"
#include "x86.h"

/* What trap_common finds on the stack; in 32 bits it ends with the flags. */
struct frame {
    uintptr_t vector, error, ip, cs, flags;
};

typedef void place(void);
place         place_a, place_b, place_c, place_d, place_e, places_out;
static place *const places[FAULTS] = {place_a, place_b, place_c, place_d, place_e};

uintptr_t fault_address;
uint32_t  fault_selector, fault_writes;

void fault_taken(struct frame *frame, uintptr_t cr2);

/* Makes of the student's number what is different for each: a multiplicative hash (Knuth 6.4). */
static uint32_t mixed(void)
{
    return my_number() * 2654435761u;
}

/* The places lie in a circle of five: from a first one on in steps of two, this way or the other. */
static place *place_of(unsigned number)
{
    uint32_t bits = mixed() >> 8;
    unsigned first = bits % FAULTS, step = bits & 64 ? 2 : 3;
    return places[(first + number * step) % FAULTS];
}

uintptr_t fault_place(unsigned number)
{
    return (uintptr_t)place_of(number);
}

/*
 * An address below 64 KiB, where nothing is ever mapped, and a selector beyond the end of the GDT.
 */
void fault_make(unsigned number)
{
    uint32_t bits = mixed();
    fault_address = 0x1000 + (bits >> 12 & 0xeff8);
    fault_writes = bits >> 28 & 1;
    fault_selector = 0x100 + (bits >> 16 & 0x1f8);
    place_of(number)();
}

void fault_taken(struct frame *frame, uintptr_t cr2)
{
    if (frame->ip < (uintptr_t)place_a || frame->ip >= (uintptr_t)places_out)
        panic("%s in the kernel at %p, error code 0x%lx, CR2 %p: there is no lab 1 yet",
              trap_name((unsigned)frame->vector), (void *)frame->ip, (unsigned long)frame->error,
              (void *)cr2);
    frame->ip = (uintptr_t)places_out;
}
