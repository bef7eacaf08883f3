/*
 * phase.c: exercise 5.2, one CPU first, then all.
 */
#include "hole.h"
#include "lab5.h"

/*
 * ipi_two_phase(one, all, arg): see ipi.h.
 *
 * The CPU that calls runs one(), between the two barriers that ipi_call() has anyway: all have
 * arrived, and nobody has been let go.  A lock that each CPU takes in turn would do for one(), but
 * would make all() one after the other.
 */
bool ipi_two_phase(ipi_function *one, ipi_function *all, void *arg)
{
    if (!may_call()) /* exercise 5.6 */
        return false;
    irql_t before = take_turn(); /* exercise 5.3 */
    /*
     * 1. What must be true of every other CPU before one() begins?
     * 2. Who runs one(), and how do the others learn that it is over?
     * 3. What must a CPU execute between seeing that, and code that one() wrote?
     * 4. all() runs on all CPUs at the same time: no lock around it.
     */
    HOLE("5.2", "run one(arg) on one CPU while the others are held, then all(arg) on each");
    give_turn(before);
    return true;
}
