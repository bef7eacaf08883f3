/*
 * percpu_ops.h: stand-in for lab 2.  Fields of this CPU's struct cpu, without care for interrupts.
 */
#ifndef CORRAL_PERCPU_OPS_H
#define CORRAL_PERCPU_OPS_H

#include "cpu.h"

#define percpu_read(field)          (this_cpu()->field)
#define percpu_write(field, value)  ((void)(this_cpu()->field = (value)))
#define percpu_add(field, number)   ((void)(this_cpu()->field += (number)))

#endif
