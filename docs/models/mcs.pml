/*
 * mcs.pml: the queue lock of exercise 4.4, three CPUs, each takes the lock ROUNDS times.
 *
 *   spin -search mcs.pml            0 errors
 *   spin -DNO_LINK -search mcs.pml  a waiter that nobody ever lets in
 *
 * Claims: at most one CPU is inside (assert); every CPU comes to its end (no invalid end state).
 * Each statement is one step, and memory is what the last step left: there are no store buffers.
 */
#define N      3
#define ROUNDS 2
#define NOBODY 0                /* CPUs and their nodes are 1 to N */

byte tail = NOBODY;             /* the lock */
byte next[N + 1];               /* the nodes: who comes after this one */
bool waiting[N + 1];            /*            and whether it has to wait */

byte inside;                    /* not part of the lock: how many CPUs are between its two calls */

inline acquire()
{
    next[me] = NOBODY;
    waiting[me] = true;
    atomic { before = tail; tail = me };    /* XCHG */
    if
    :: before == NOBODY
    :: else ->
        next[before] = me;
        !waiting[me]                        /* cannot be executed until it is true: the loop that waits */
    fi;
    before = NOBODY
}

inline release()
{
    after = next[me];
    if
    :: after != NOBODY
    :: else ->
        atomic {                            /* LOCK CMPXCHG */
            if
            :: tail == me -> tail = NOBODY; last = true
            :: else -> last = false
            fi
        };
        if
        :: last
        :: else ->
#ifndef NO_LINK
            next[me] != NOBODY;             /* somebody is in the queue and not linked yet */
#endif
            after = next[me]
        fi
    fi;
    if
    :: after != NOBODY -> waiting[after] = false
    :: else
    fi;
    after = NOBODY;
    last = false
}

active [N] proctype cpu()
{
    byte me = _pid + 1;
    byte before, after, round;
    bool last;

    do
    :: round < ROUNDS ->
        acquire();
        inside++;
        assert(inside == 1);
        inside--;
        release();
        round++
    :: else -> break
    od
}
