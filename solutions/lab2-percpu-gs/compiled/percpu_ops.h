/*
 * percpu_ops.h: fields of this CPU's struct cpu, where lab 2 is there compiled only.  Each is a call
 * of a function that makes one access.
 */
#ifndef CORRAL_PERCPU_OPS_H
#define CORRAL_PERCPU_OPS_H

#include <stddef.h>

#include "cpu.h"

/* A field by its place in struct cpu and its size: 1, 2, 4 or that of a pointer. */
uintptr_t percpu_call_read(uintptr_t offset, uintptr_t size);
void      percpu_call_write(uintptr_t offset, uintptr_t size, uintptr_t value);
void      percpu_call_add(uintptr_t offset, uintptr_t size, uintptr_t number);

#define PERCPU_TYPE(field)  __typeof__(((struct cpu *)0)->field)
#define PERCPU_PLACE(field) offsetof(struct cpu, field), sizeof(PERCPU_TYPE(field))

#define percpu_read(field)          ((PERCPU_TYPE(field))percpu_call_read(PERCPU_PLACE(field)))
#define percpu_write(field, value)  percpu_call_write(PERCPU_PLACE(field), (uintptr_t)(value))
#define percpu_add(field, number)   percpu_call_add(PERCPU_PLACE(field), (uintptr_t)(number))

#endif
