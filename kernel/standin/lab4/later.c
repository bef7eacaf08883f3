/*
 * later.c: stand-ins for what nobody calls before lab 4.
 */
#include "panic.h"
#include "spinlock.h"

void tas_acquire(struct tas_lock *lock)
{
    (void)lock;
    panic("tas_acquire() waits for lab 4");
}

void tas_release(struct tas_lock *lock)
{
    (void)lock;
}

void ticket_acquire(struct ticket_lock *lock)
{
    (void)lock;
    panic("ticket_acquire() waits for lab 4");
}

void ticket_release(struct ticket_lock *lock)
{
    (void)lock;
}

void queued_acquire(struct queued_lock *lock, struct queued_node *node)
{
    (void)lock, (void)node;
    panic("queued_acquire() waits for lab 4");
}

void queued_release(struct queued_lock *lock, struct queued_node *node)
{
    (void)lock, (void)node;
}

void log_init(void)
{
}

void log_line(const char *text)
{
    (void)text;
    panic("log_line() waits for lab 4");
}

bool log_try(const char *text)
{
    (void)text;
    return false;
}
