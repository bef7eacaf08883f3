/*
 * guard.c: the kernel's own locks.
 */
#include "guard.h"

struct guard memory_guard;
struct guard threads_guard = {.parted = true};
struct guard rings_guard = {.parted = true};
struct guard contest_guard = {.parted = true};
struct guard output_guard = {.parted = true};

static uint32_t guards_on; /* written once, while nobody is inside */

void guards_init(void)
{
    spin_init(&memory_guard.lock, "memory", DISPATCH_LEVEL, SPIN_CHECKED);
    spin_init(&threads_guard.lock, "threads", CLOCK_LEVEL, SPIN_CHECKED);
    spin_init(&rings_guard.lock, "rings", DISPATCH_LEVEL, SPIN_CHECKED);
    spin_init(&contest_guard.lock, "contest", DISPATCH_LEVEL, SPIN_CHECKED);
    spin_init(&output_guard.lock, "output", HIGH_LEVEL, SPIN_CHECKED);
    log_init();
    guards_on = 1;
}

bool sharing(void)
{
    return guards_on && corral_stage >= STAGE_SHARING;
}

static bool needed(const struct guard *guard)
{
    return guards_on && (corral_stage >= STAGE_SHARING || !guard->parted);
}

void guard_enter(struct guard *guard, struct spin_handle *handle)
{
    if (needed(guard))
        spin_acquire(&guard->lock, handle);
}

void guard_leave(struct guard *guard, struct spin_handle *handle)
{
    if (needed(guard))
        spin_release(&guard->lock, handle);
}
