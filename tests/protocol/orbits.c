/* The bits of chaotic orbits as docs/protocol.md states them, to hold the derivation against.
 *
 *     tcc -run orbits.c henon|chua COUNT     keys of 64 hexadecimal digits on standard input
 *
 * Prints COUNT bits for each key, and the coordinates where the orbit stands then, in hexadecimal.
 * For machines whose doubles are IEEE's; without a fused multiply-add (gcc: -ffp-contract=off).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BURN_IN = 256, HENON_STEPS = 8, CHUA_STEPS = 100 };

static double magnitude(double v) { return v < 0 ? -v : v; }

static double coordinate(const char *digits) {
    uint64_t u = 0;
    for (int i = 0; i < 16; i++)
        u = u << 4 | (uint64_t)strtoul((char[]){digits[i], 0}, 0, 16);
    return ((double)(u >> 11) / 9007199254740992.0 - 0.5) * 0.2;
}

static void henon(double *p) {
    double x = p[0], y = p[1];
    p[0] = (y + 1.0) - (1.4 * x) * x;
    p[1] = 0.3 * x;
}

static void slope(const double *p, double *d) {
    double x = p[0], y = p[1], z = p[2];
    d[0] = (9.0 * y - (18.0 / 7.0) * x)
         + (27.0 / 14.0) * (magnitude(x + 1.0) - magnitude(x - 1.0));
    d[1] = (x - y) + z;
    d[2] = -(100.0 / 7.0) * y;
}

static void chua(double *p) {
    static const double part[3] = {0.0625, 0.0625, 0.125};
    double k[4][3], q[3];
    slope(p, k[0]);
    for (int s = 0; s < 3; s++) {
        for (int i = 0; i < 3; i++)
            q[i] = p[i] + part[s] * k[s][i];
        slope(q, k[s + 1]);
    }
    for (int i = 0; i < 3; i++)
        p[i] = p[i] + (0.125 / 6.0) * (((k[0][i] + 2.0 * k[1][i]) + 2.0 * k[2][i]) + k[3][i]);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    int is_chua = strcmp(argv[1], "chua") == 0;
    int dimensions = is_chua ? 3 : 2;
    long count = atol(argv[2]);
    void (*step)(double *) = is_chua ? chua : henon;
    double threshold = is_chua ? 0.0 : 0.41085;
    char key[128];
    while (scanf("%127s", key) == 1) {
        double p[3];
        for (int i = 0; i < dimensions; i++)
            p[i] = coordinate(key + 16 * i);
        for (int i = 0; i < BURN_IN; i++)
            step(p);
        for (long bit = 0; bit < count; bit++) {
            for (int i = 0; i < (is_chua ? CHUA_STEPS : HENON_STEPS); i++)
                step(p);
            putchar(p[0] > threshold ? '1' : '0');
        }
        for (int i = 0; i < dimensions; i++)
            printf(" %a", p[i]);
        putchar('\n');
    }
    return 0;
}
