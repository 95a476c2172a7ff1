// Levels of vector instructions, threads, time, and the tape's thread-local depth.
#ifndef LUMI_RUNTIME_H
#define LUMI_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Every kernel is compiled once per level from one body. AVX2 means AVX2 and FMA; AVX512 means
// F, DQ, BW and VL. Other processors than x86-64 have the base level only.
enum { LUMI_LEVEL_BASE = 0, LUMI_LEVEL_AVX2 = 1, LUMI_LEVEL_AVX512 = 2, LUMI_LEVEL_COUNT = 3 };

// The highest level this machine can run.
int lumi_level_available(void);
// The level in force on the calling thread: its own override if it set one, else LUMIGRAD_KERNELS
// (base, avx2, avx512; capped at what the machine has), else the highest.
int lumi_level(void);
// Overrides the level for the calling thread; a negative level removes the override.
// Returns the level then in force, which is never above what the machine has.
int lumi_set_level(int level);
const char *lumi_level_name(int level);

// Threads in force on the calling thread: its override, else LUMIGRAD_THREADS, else the processors
// this process may run on. More threads than processors are allowed, up to LUMI_MAXIMUM_THREADS.
enum { LUMI_MAXIMUM_THREADS = 256 };
int lumi_threads(void);
// Overrides for the calling thread; zero or less removes the override. Returns the count in force.
int lumi_set_threads(int count);
// Runs body(context, i) for i in 0..<count, each once, on the calling thread and the pool. Dynamic
// order: a body must not depend on it. A call from inside a body runs on that thread alone, and so
// does a call made while another thread's loop has the pool; neither waits.
// Pool threads see the caller's lumi_level() while they run its bodies. Denormals are flushed to
// zero while bodies run, on every thread, and only then: the caller's mode is restored on return.
// A body must return normally (no longjmp). Not usable in a child after fork without exec.
void lumi_parallel_for(size_t count, void *context, void (*body)(void *context, size_t index));

// How many gradient scopes are open on this thread; the tape records when it is not zero.
int lumi_tape_depth(void);
void lumi_tape_set_depth(int depth);

// Milliseconds of a clock that never goes back; only differences mean anything.
double lumi_now_ms(void);

#ifdef __cplusplus
}
#endif
#endif
