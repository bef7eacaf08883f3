/* child: ends at once.  The workers start it again and again, on each CPU, from stage 4 on. */

enum { CODE = 7 };

int main(void)
{
    return CODE;
}
