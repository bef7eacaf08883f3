/*
 * log.c: exercise 3.7, a log that an NMI may write to.
 *
 * klog_put() must not be entered twice.  Whoever finds it taken was called from an interrupt or an
 * NMI of the one who has it, on this same CPU: to wait would be to wait for oneself.  So the line is
 * left in a slot, and the one who has the log writes it when its own is done.
 */
#include "hole.h"
#include "lab3.h"
#include "string.h"

/* BEGIN 3.7 */
/* Relaxed everywhere: one CPU sees its own stores in order; the compiler must keep them so. */
static bool take(uint32_t *state, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(state, &from, to, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_RELAXED);
}

static void leave_in_slot(struct lab3_cpu *mine, const char *text)
{
    for (struct log_slot *slot = mine->slot; slot < mine->slot + LOG_SLOTS; slot++)
        if (take(&slot->state, SLOT_FREE, SLOT_TAKEN)) {
            strlcpy(slot->text, text, LOG_LINE_SIZE);
            __atomic_store_n(&slot->state, SLOT_FULL, __ATOMIC_RELEASE);
            return;
        }
}

static bool slots_wait(const struct lab3_cpu *mine)
{
    for (unsigned i = 0; i < LOG_SLOTS; i++)
        if (__atomic_load_n(&mine->slot[i].state, __ATOMIC_ACQUIRE) == SLOT_FULL)
            return true;
    return false;
}

/* We have the log. */
static void write_slots(struct lab3_cpu *mine)
{
    for (struct log_slot *slot = mine->slot; slot < mine->slot + LOG_SLOTS; slot++)
        if (__atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) == SLOT_FULL) {
            klog_put(slot->text);
            __atomic_store_n(&slot->state, SLOT_FREE, __ATOMIC_RELEASE);
        }
}
/* INSTEAD 3.7 */
/* END 3.7 */

/* nmi_log(text): see nmi.h. */
void nmi_log(const char *text)
{
    /* BEGIN 3.7 */
    struct lab3_cpu *mine = lab3_cpu_area(this_cpu());
    if (!take(&mine->log_busy, 0, 1)) {
        leave_in_slot(mine, text);
        return;
    }
    klog_put(text);
    do { /* a line may be left after the last look and before the log is given back: look again */
        write_slots(mine);
        __atomic_store_n(&mine->log_busy, 0, __ATOMIC_RELEASE);
    } while (slots_wait(mine) && take(&mine->log_busy, 0, 1));
    /* INSTEAD 3.7 */
    //| /*
    //|  * Who can have the log when you find it taken?  What must you not do then?
    //|  * Where is your line until it can be written, and who writes it?
    //|  */
    //| HOLE("3.7", "write the line now, or leave it for whoever has the log");
    /* END 3.7 */
}
