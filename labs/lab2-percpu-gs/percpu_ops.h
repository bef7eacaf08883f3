/*
 * percpu_ops.h: exercise 2.2, fields of this CPU's struct cpu in one instruction.
 *
 * One instruction, because an interrupt can come between any two: it must find the field old or new,
 * and what it adds must not be lost.  LOCK is not needed, since no other CPU writes the field.
 */
#ifndef CORRAL_PERCPU_OPS_H
#define CORRAL_PERCPU_OPS_H

#include <stddef.h>

#include "cpu.h"
#include "hole.h"

#define PERCPU_TYPE(field) __typeof__(((struct cpu *)0)->field)

/* In inline assembly %gs:%c1 with "i"(offsetof(struct cpu, field)) is the field. */
static inline void percpu_hole(void)
{
    HOLE("2.2", "read, write and add to a field of this CPU in one instruction");
}
#define percpu_read(field)         ({ percpu_hole(); (PERCPU_TYPE(field))0; })
#define percpu_write(field, value) ({ percpu_hole(); (void)(value); })
#define percpu_add(field, number)  ({ percpu_hole(); (void)(number); })

#endif
