// Levels of vector instructions, threads, and the tape's thread-local depth.
#ifndef LUMI_RUNTIME_H
#define LUMI_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Every kernel is compiled once per level from one body.
enum { LUMI_LEVEL_BASE = 0, LUMI_LEVEL_AVX2 = 1, LUMI_LEVEL_AVX512 = 2, LUMI_LEVEL_COUNT = 3 };

// The highest level this machine can run.
int lumi_level_available(void);
// The level in force on the calling thread: its own override if it set one, else LUMIGRAD_KERNELS
// (base, avx2, avx512; capped at what the machine has), else the highest.
int lumi_level(void);
// Overrides the level for the calling thread; a negative level removes the override.
// Returns the level then in force.
int lumi_set_level(int level);
const char *lumi_level_name(int level);

// Threads in force on the calling thread: its override, else LUMIGRAD_THREADS, else the processors.
int lumi_threads(void);
// Overrides for the calling thread; zero or less removes the override. Returns the count in force.
int lumi_set_threads(int count);
// Runs body(context, i) for i in 0..<count, each once, on the calling thread and the pool. Dynamic
// order: a body must not depend on it. A call from inside a body runs on that thread alone.
// Denormals are flushed to zero while bodies run, on every thread, and only then.
void lumi_parallel_for(size_t count, void *context, void (*body)(void *context, size_t index));

// How many gradient scopes are open on this thread; the tape records when it is not zero.
int lumi_tape_depth(void);
void lumi_tape_set_depth(int depth);

#ifdef __cplusplus
}
#endif
#endif
