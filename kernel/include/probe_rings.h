/*
 * probe_rings.h: rings and logs for the host.
 *
 * Each function is called by the host, in ring 0, on the CPUs that it lets run.  The ring is rings[0],
 * the log is probe_log.
 */
#ifndef CORRAL_PROBE_RINGS_H
#define CORRAL_PROBE_RINGS_H

#include <stdint.h>

#include "cpu.h"
#include "logring.h"
#include "probe.h"
#include "ring.h"
#include "thread.h"

#define PROBE_SUNK_MAX    256
#define PROBE_ROWS_MAX    4096
#define PROBE_DESCRIPTORS 256
#define PROBE_RECORDS_MAX 16
#define PROBE_GRANTS_MAX  2048
#define PROBE_LOG_STEPS   256

/* What ring_sink() and ring_refuse() were given, in order. */
struct probe_sunk {
    uint32_t kind;   /* 1: sunk, 2: refused */
    uint32_t cookie;
    uint32_t length;
    uint32_t hash;   /* of the bytes: see probe_hash() */
};

/* One try of a hostile program, and what came of it. */
struct probe_row {
    uint32_t offset; /* where in RING_USER it writes 4 bytes */
    uint32_t value;
    uint32_t budget; /* of the ring_drain() that follows */
    uint32_t result;
    uint32_t sunk;   /* descriptors of each kind */
    uint32_t refused;
    uint32_t hash;   /* of all of them, in order */
    uint32_t armed;  /* what ring_arm() said after it */
};

/* One step of what happens to probe_log, and what came of it. */
enum probe_log_kind { PROBE_LOG_WRITE, PROBE_LOG_READ, PROBE_LOG_DROPPED };
struct probe_log_step {
    uint32_t          kind;
    uint32_t          number; /* of a record that is written */
    uint32_t          size;
    uint32_t          result;
    struct log_record record; /* that was read */
};

extern struct ring_descriptor probe_descriptors[PROBE_DESCRIPTORS];
extern struct ring_producer   probe_producer;
extern struct logring         probe_log;

/* Not 0: the sink only adds up, as in a kernel that nobody grades. */
extern uint32_t probe_quiet;

/* FNV-1a, 32 bits, from `hash` on. */
uint32_t probe_hash(uint32_t hash, const void *bytes, uint32_t length);

/* What the kernel's sink does in a graded boot. */
void probe_sunk(const void *bytes, uint32_t length, uint32_t cookie);
void probe_refused(uint32_t cookie);

/* rings[0] for a thread's program: ring_map()'s result. */
int probe_ring_new(struct thread *thread, uint32_t slots, uint32_t first);

/* Its producer, while it is new and empty. */
void probe_producer_new(void);

/*
 * Pushes probe_descriptors[first] and the `count - 1` behind it; probe_pushed[] tells what each one
 * gave, plus one.  Stops at the first that finds the ring full.  How many are in.
 */
uint32_t probe_push(uintptr_t first, uintptr_t count);

/* ring_drain(), `times` of them; what the last one said. */
int probe_drain(uintptr_t budget, uintptr_t times);

/* As ring_service() does it, without an end to its turn: until ring_arm() lets it go. */
void probe_serve(uintptr_t budget);

/* ring_get(); drains; ring_put().  Whether there was a reference. */
bool probe_use(uintptr_t budget);

/* Something comes for this thread, which waits, as soon as interrupts are on. */
void probe_tell(struct thread *thread);

/*
 * Grants a buffer and gives it back, so often; probe_grants[] tells the handles.  How often both
 * worked.
 */
uint32_t probe_grant(uintptr_t offset, uintptr_t length, uintptr_t times);

/* Gives a buffer back and grants another one; ring_grant()'s result. */
int probe_regrant(uintptr_t handle, uintptr_t offset, uintptr_t length);

/* A row of the table after the other, `count` of them. */
void probe_hostile(uintptr_t count);

/* Writes a record: bytes that `number` says.  Whether there was room. */
bool probe_log_write(uintptr_t number, uintptr_t size);

/* The same in two parts: up to the commit, which stays with this CPU, and the commit. */
bool probe_log_begin(uintptr_t number, uintptr_t size);
void probe_log_end(void);

/* So many records are dropped: each of them is too large. */
void probe_log_drop(uintptr_t times);

/* logring_read() into probe_record. */
bool probe_log_read(void);

/*
 * The same until there is nothing more, or `most` times: into probe_records[], each behind those that
 * are there.  How many it read.
 */
uint32_t probe_log_read_all(uintptr_t most);

/* The first `count` of probe_log_steps, on this CPU, one after the other. */
void probe_log_play(uintptr_t count);

#endif
