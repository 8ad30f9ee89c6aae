// What one core gives in 128-bit multiplications and additions, not fused: the most that WebAssembly SIMD can ask for.
// Reads "open FLOPS" and "time COUNT" a line each and answers with a line of JSON; a step is FLOPS operations.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef float v4 __attribute__((vector_size(16)));

// Chains of x ← x · a + b side by side, enough of them to cover the latency of both.
#define CHAINS 12
#define FLOPS_PER_TURN (CHAINS * 8)

static v4 chains(long turns, v4 a, v4 b) {
  v4 x[CHAINS];
  for (int i = 0; i < CHAINS; i++) x[i] = a * (float)i;
  for (long t = 0; t < turns; t++) {
    for (int i = 0; i < CHAINS; i++) x[i] = x[i] * a + b;
  }
  v4 sum = x[0];
  for (int i = 1; i < CHAINS; i++) sum += x[i];
  return sum;
}

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(void) {
  char command[8];
  double argument, flops = 1e8;
  volatile v4 sink;
  while (scanf("%7s %lf", command, &argument) == 2) {
    if (command[0] == 'o') {
      flops = argument;
      puts("{}");
    } else {
      const long turns = flops * argument / FLOPS_PER_TURN;
      const float half = 0.5f;
      const double wall = now(CLOCK_MONOTONIC), processor = now(CLOCK_PROCESS_CPUTIME_ID);
      sink = chains(turns, (v4){half, half, half, half}, (v4){1, 1, 1, 1});
      printf("{\"wall\": %.9f, \"processor\": %.9f}\n", (now(CLOCK_MONOTONIC) - wall) / argument,
             (now(CLOCK_PROCESS_CPUTIME_ID) - processor) / argument);
    }
    fflush(stdout);
  }
  (void)sink;
  return 0;
}
