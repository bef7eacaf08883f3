/*
 * barrier.pml: the two phases of exercise 5.2, three CPUs, ROUNDS calls one after another.
 *
 *   spin -search barrier.pml                 0 errors
 *   spin -DNO_GENERATION -search barrier.pml a CPU that waits for ever
 *
 * It begins where every CPU has its IPI.  One counter and one bit serve both meetings, the arrival and
 * the leave.  The last to arrive runs one().  Memory is what the last step left: no store buffers.
 */
#define N      3
#define ROUNDS 2

byte count;             /* how many have come to this meeting */
bit  generation;        /* changes each time a meeting is over */

/* Not part of the barrier: what the claims are about. */
byte outside = N;       /* CPUs that run something else */
byte in_one;            /* CPUs in one() */
byte in_all;            /* CPUs in all() */
byte ones[ROUNDS];      /* how often one() was run */
byte alls[ROUNDS];      /* how many all() are over */

inline one()
{
    in_one++;
    assert(outside == 0);                   /* arrive: nobody runs anything else */
    assert(in_one == 1 && in_all == 0);     /* no overlap */
    ones[round]++;
    in_one--
}

/* Waits until all have come.  If `phase` is true, the last of them runs one()
   before anybody goes on. */
inline meet(phase)
{
    mine = generation;                      /* read before the arrival can be seen */
    atomic { count++; n = count };          /* LOCK XADD */
    if
    :: n == N ->
        if
        :: phase -> one()
        :: else
        fi;
        count = 0;                          /* first make ready for the next use ... */
        generation = 1 - mine               /* ... then let go */
    :: else ->
#ifdef NO_GENERATION
        count == 0
#else
        generation != mine
#endif
    fi;
    n = 0
}

inline all()
{
    in_all++;
    assert(in_one == 0 && ones[round] == 1);
    alls[round]++;
    in_all--
}

active [N] proctype cpu()
{
    byte round, n;
    bit mine;

    do
    :: round < ROUNDS ->
        outside--;
        meet(true);
        all();
        meet(false);
        assert(alls[round] == N);           /* leave: what the call used may go */
        outside++;
        round++
    :: else -> break
    od
}
