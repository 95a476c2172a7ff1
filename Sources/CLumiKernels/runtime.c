// Which instructions, how many threads, and the pool that runs parallel loops.
#define _GNU_SOURCE
#include "lumi_runtime.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

static const char *const levelNames[LUMI_LEVEL_COUNT] = {"base", "avx2", "avx512"};

static int availableLevel = LUMI_LEVEL_BASE;
static int defaultLevel = LUMI_LEVEL_BASE;
static int defaultThreads = 1;
static pthread_once_t settingsOnce = PTHREAD_ONCE_INIT;

static _Thread_local int levelOverride = -1;
static _Thread_local int threadsOverride = 0;
static _Thread_local int tapeDepth = 0;
static _Thread_local bool insideBody = false;

static int detectLevel(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return LUMI_LEVEL_BASE;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
      && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    return LUMI_LEVEL_AVX512;
  }
  return LUMI_LEVEL_AVX2;
#else
  return LUMI_LEVEL_BASE;
#endif
}

static int levelFromEnvironment(int available) {
  const char *text = getenv("LUMIGRAD_KERNELS");
  if (text == NULL || *text == '\0') return available;
  for (int level = 0; level < LUMI_LEVEL_COUNT; level++) {
    if (strcmp(text, levelNames[level]) == 0) return level < available ? level : available;
  }
  fprintf(stderr, "Lumigrad: LUMIGRAD_KERNELS is '%s'; expected base, avx2 or avx512; ignored\n",
          text);
  return available;
}

static int processorCount(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  const long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int)online : 1;
}

static int clampThreads(long count) {
  return count > LUMI_MAXIMUM_THREADS ? LUMI_MAXIMUM_THREADS : (int)count;
}

static int threadsFromEnvironment(void) {
  const char *text = getenv("LUMIGRAD_THREADS");
  if (text == NULL || *text == '\0') return clampThreads(processorCount());
  char *end = NULL;
  const long count = strtol(text, &end, 10);
  if (*end == '\0' && count > 0) return clampThreads(count);
  fprintf(stderr, "Lumigrad: LUMIGRAD_THREADS is '%s'; expected a positive number; ignored\n",
          text);
  return clampThreads(processorCount());
}

static void readSettings(void) {
  availableLevel = detectLevel();
  defaultLevel = levelFromEnvironment(availableLevel);
  defaultThreads = threadsFromEnvironment();
}

int lumi_level_available(void) {
  pthread_once(&settingsOnce, readSettings);
  return availableLevel;
}

int lumi_level(void) {
  if (levelOverride >= 0) return levelOverride;
  pthread_once(&settingsOnce, readSettings);
  return defaultLevel;
}

int lumi_set_level(int level) {
  const int available = lumi_level_available();
  levelOverride = level < 0 ? -1 : (level < available ? level : available);
  return lumi_level();
}

const char *lumi_level_name(int level) {
  return level >= 0 && level < LUMI_LEVEL_COUNT ? levelNames[level] : "unknown";
}

int lumi_threads(void) {
  if (threadsOverride > 0) return threadsOverride;
  pthread_once(&settingsOnce, readSettings);
  return defaultThreads;
}

int lumi_set_threads(int count) {
  threadsOverride = count > 0 ? clampThreads(count) : 0;
  return lumi_threads();
}

int lumi_tape_depth(void) { return tapeDepth; }
void lumi_tape_set_depth(int depth) { tapeDepth = depth; }

double lumi_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

// The floating-point mode of this thread with denormals flushed; returns the mode to restore.
#if defined(__x86_64__)
typedef unsigned int FloatMode;
static FloatMode flushDenormals(void) {
  const FloatMode saved = _mm_getcsr();
  _mm_setcsr(saved | 0x8040u);  // flush to zero, denormals are zero
  return saved;
}
static void restoreFloatMode(FloatMode saved) { _mm_setcsr(saved); }
static void relax(void) { _mm_pause(); }
#elif defined(__aarch64__)
typedef uint64_t FloatMode;
static FloatMode flushDenormals(void) {
  FloatMode saved;
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
  __asm__ volatile("msr fpcr, %0" : : "r"(saved | (UINT64_C(1) << 24)));
  return saved;
}
static void restoreFloatMode(FloatMode saved) {
  __asm__ volatile("msr fpcr, %0" : : "r"(saved));
}
static void relax(void) { __asm__ volatile("yield"); }
#else
typedef int FloatMode;
static FloatMode flushDenormals(void) { return 0; }
static void restoreFloatMode(FloatMode saved) { (void)saved; }
static void relax(void) {}
#endif

typedef struct {
  size_t count;
  void *context;
  void (*body)(void *context, size_t index);
  int level;
  atomic_size_t next;
} Loop;

// One loop at a time: `owner` is held for the whole loop. `mutex` guards all that follows it but
// the atomics. A worker joins the current loop only by taking one of its `places`; the caller
// withdraws the places that are left before it waits, so no worker can meet a loop that is over.
static struct {
  pthread_mutex_t owner;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  pthread_cond_t finished;
  Loop loop;
  int workers;
  int places;
  atomic_int active;
  atomic_uint generation;
} pool = {
  .owner = PTHREAD_MUTEX_INITIALIZER,
  .mutex = PTHREAD_MUTEX_INITIALIZER,
  .wake = PTHREAD_COND_INITIALIZER,
  .finished = PTHREAD_COND_INITIALIZER,
};

// Waking a sleeping thread costs some 10-50 microseconds; loops often follow each other at once.
enum { SPINS = 200 };

static void runClaims(Loop *loop) {
  for (;;) {
    const size_t index = atomic_fetch_add_explicit(&loop->next, 1, memory_order_relaxed);
    if (index >= loop->count) return;
    loop->body(loop->context, index);
  }
}

static void *work(void *unused) {
  (void)unused;
  unsigned seen = 0;
  insideBody = true;  // nested calls on a worker run inline
  flushDenormals();
  for (;;) {
    for (int spin = 0; spin < SPINS && atomic_load(&pool.generation) == seen; spin++) relax();
    pthread_mutex_lock(&pool.mutex);
    while (atomic_load(&pool.generation) == seen) pthread_cond_wait(&pool.wake, &pool.mutex);
    seen = atomic_load(&pool.generation);
    const bool joined = pool.places > 0;
    if (joined) {
      pool.places -= 1;
      atomic_fetch_add(&pool.active, 1);
    }
    pthread_mutex_unlock(&pool.mutex);
    if (!joined) continue;

    levelOverride = pool.loop.level;
    runClaims(&pool.loop);
    pthread_mutex_lock(&pool.mutex);
    if (atomic_fetch_sub(&pool.active, 1) == 1) pthread_cond_signal(&pool.finished);
    pthread_mutex_unlock(&pool.mutex);
  }
  return NULL;
}

// Called with `mutex` held. Fewer workers than asked only make the loop slower.
static void growPool(int wanted) {
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);  // the host's signals stay on the host's threads
  while (pool.workers < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) break;
    pthread_detach(thread);
    pool.workers += 1;
  }
  pthread_sigmask(SIG_SETMASK, &previous, NULL);
}

static void startLoop(size_t count, void *context, void (*body)(void *, size_t), int helpers) {
  const int level = lumi_level();
  pthread_mutex_lock(&pool.mutex);
  growPool(helpers);
  pool.loop.count = count;
  pool.loop.context = context;
  pool.loop.body = body;
  pool.loop.level = level;
  atomic_store(&pool.loop.next, 0);
  pool.places = helpers;
  atomic_fetch_add(&pool.generation, 1);
  for (int i = 0; i < helpers; i++) pthread_cond_signal(&pool.wake);
  pthread_mutex_unlock(&pool.mutex);
}

static void finishLoop(void) {
  pthread_mutex_lock(&pool.mutex);
  pool.places = 0;
  pthread_mutex_unlock(&pool.mutex);
  for (int spin = 0; spin < SPINS && atomic_load(&pool.active) > 0; spin++) relax();
  pthread_mutex_lock(&pool.mutex);
  while (atomic_load(&pool.active) > 0) pthread_cond_wait(&pool.finished, &pool.mutex);
  pthread_mutex_unlock(&pool.mutex);
}

static void runAlone(size_t count, void *context, void (*body)(void *, size_t)) {
  for (size_t index = 0; index < count; index++) body(context, index);
}

void lumi_parallel_for(size_t count, void *context, void (*body)(void *context, size_t index)) {
  if (count == 0) return;
  if (insideBody) {
    runAlone(count, context, body);
    return;
  }
  const size_t threads = (size_t)lumi_threads();
  const int helpers = (int)((count < threads ? count : threads) - 1);
  const FloatMode saved = flushDenormals();
  insideBody = true;
  if (helpers > 0 && pthread_mutex_trylock(&pool.owner) == 0) {
    startLoop(count, context, body, helpers);
    runClaims(&pool.loop);
    finishLoop();
    pthread_mutex_unlock(&pool.owner);
  } else {
    runAlone(count, context, body);
  }
  insideBody = false;
  restoreFloatMode(saved);
}
