/*
 * log.c: exercise 4.8, a log that all CPUs share.
 */
#include "hole.h"
#include "lab4.h"
#include "string.h"

/* BEGIN 4.8 */
static struct spinlock lock;

/* In the lock. */
static void add(const char *text)
{
    uint32_t count = shared_log.count;
    strlcpy(shared_log.text[count % LOG_LINES], text, LOG_TEXT_SIZE);
    /* Release: whoever looks without the lock, as the grader does, counts only whole lines. */
    __atomic_store_n(&shared_log.count, count + 1, __ATOMIC_RELEASE);
}
/* INSTEAD 4.8 */
/* END 4.8 */

/* log_init(): see spinlock.h. */
void log_init(void)
{
    /* BEGIN 4.8 */
    spin_init(&lock, "log", HIGH_LEVEL, SPIN_CHECKED); /* lines may come from any level */
    /* INSTEAD 4.8 */
    //| HOLE("4.8", "make the log's lock: from which levels may a line come");
    /* END 4.8 */
}

/* log_line(text): see spinlock.h. */
void log_line(const char *text)
{
    /* BEGIN 4.8 */
    struct spin_handle handle;
    spin_acquire(&lock, &handle);
    add(text);
    spin_release(&lock, &handle);
    /* INSTEAD 4.8 */
    //| /* The line, then the count: a reader must not find a line that is not whole. */
    //| HOLE("4.8", "add a line in the log's lock");
    /* END 4.8 */
}

/* log_try(text): see spinlock.h. */
bool log_try(const char *text)
{
    /* BEGIN 4.8 */
    struct spin_handle handle;
    if (!spin_try(&lock, &handle))
        return false;
    add(text);
    spin_release(&lock, &handle);
    return true;
    /* INSTEAD 4.8 */
    //| /* An NMI may have come in the middle of log_line() of this same CPU. */
    //| HOLE("4.8", "the same, but never wait");
    /* END 4.8 */
}
