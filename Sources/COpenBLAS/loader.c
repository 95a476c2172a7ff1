// Finds and loads OpenBLAS, and sends products to it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "COpenBLAS.h"

// The C interface of BLAS; the values of its enumerations are part of the binary interface.
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void (*Sgemm)(int order, int transA, int transB, int m, int n, int k, float alpha,
                      const float *a, int lda, const float *b, int ldb, float beta, float *c,
                      int ldc);
typedef void (*Dgemm)(int order, int transA, int transB, int m, int n, int k, double alpha,
                      const double *a, int lda, const double *b, int ldb, double beta, double *c,
                      int ldc);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct {
  int loaded;
  Sgemm sgemm;
  Dgemm dgemm;
  const char *coreName;
  const char *config;
  char path[PATH_MAX];
  char error[512];
} blas = {.coreName = "fallback", .config = ""};

static int hasSkylakeInstructions(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
      && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return 0;
#endif
}

// Returns whether the variable was set here and is to be removed again.
static int setUnlessPresent(const char *name, const char *value) {
  return getenv(name) == NULL && setenv(name, value, 1) == 0;
}

// OpenBLAS reads its environment in its constructors, that is, inside dlopen.
static void *openLibrary(void) {
  static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
  const int core = hasSkylakeInstructions() && setUnlessPresent("OPENBLAS_CORETYPE", "SkylakeX");
  const int threads = setUnlessPresent("OPENBLAS_NUM_THREADS", "1");
  void *library = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && library == NULL; i++) {
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    const char *reason = library == NULL ? dlerror() : NULL;
    const size_t used = strlen(blas.error);
    if (reason != NULL) {
      snprintf(blas.error + used, sizeof blas.error - used, "%s%s", used > 0 ? "; " : "", reason);
    }
  }
  if (core) unsetenv("OPENBLAS_CORETYPE");
  if (threads) unsetenv("OPENBLAS_NUM_THREADS");
  return library;
}

static void readDescription(void *library) {
  char *(*config)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
  char *(*coreName)(void) = (char *(*)(void))dlsym(library, "openblas_get_corename");
  blas.config = config != NULL ? config() : "";
  blas.coreName = coreName != NULL ? coreName() : "unknown";
  Dl_info info;
  if (dladdr((void *)blas.sgemm, &info) != 0 && info.dli_fname != NULL) {
    snprintf(blas.path, sizeof blas.path, "%s", info.dli_fname);
  }
}

static void load(void) {
  const char *choice = getenv("LUMIGRAD_BLAS");
  if (choice != NULL && strcmp(choice, "fallback") == 0) {
    snprintf(blas.error, sizeof blas.error, "LUMIGRAD_BLAS is 'fallback'");
    return;
  }
  if (choice != NULL && *choice != '\0' && strcmp(choice, "openblas") != 0) {
    fprintf(stderr, "Lumigrad: LUMIGRAD_BLAS is '%s'; expected openblas or fallback; ignored\n",
            choice);
  }
  void *library = openLibrary();
  if (library == NULL) return;
  void (*setThreads)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
  blas.sgemm = (Sgemm)dlsym(library, "cblas_sgemm");
  blas.dgemm = (Dgemm)dlsym(library, "cblas_dgemm");
  if (setThreads == NULL || blas.sgemm == NULL || blas.dgemm == NULL) {
    snprintf(blas.error, sizeof blas.error,
             "libopenblas lacks cblas_sgemm, cblas_dgemm or openblas_set_num_threads");
    dlclose(library);
    return;
  }
  setThreads(1);
  readDescription(library);
  blas.error[0] = '\0';
  blas.loaded = 1;
}

int lumi_blas_load(void) {
  pthread_once(&once, load);
  return blas.loaded;
}

const char *lumi_blas_library_path(void) {
  lumi_blas_load();
  return blas.path;
}

const char *lumi_blas_core_name(void) {
  lumi_blas_load();
  return blas.coreName;
}

const char *lumi_blas_config(void) {
  lumi_blas_load();
  return blas.config;
}

const char *lumi_blas_error(void) {
  lumi_blas_load();
  return blas.error;
}

static int fitsInt(size_t a, size_t b, size_t c) {
  return a <= INT_MAX && b <= INT_MAX && c <= INT_MAX;
}

static int transposition(int flag) { return flag ? TRANSPOSE : NO_TRANSPOSE; }

// OpenBLAS counts in int and rejects row distances of 0, which empty matrices may have.
static int usesLibrary(size_t m, size_t n, size_t k, size_t lda, size_t ldb, size_t ldc) {
  return m > 0 && n > 0 && k > 0 && fitsInt(m, n, k) && fitsInt(lda, ldb, ldc)
      && lumi_blas_load();
}

void lumi_sgemm(int transA, int transB, size_t m, size_t n, size_t k, float alpha, const float *a,
                size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc) {
  if (!usesLibrary(m, n, k, lda, ldb, ldc)) {
    lumi_sgemm_fallback(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  blas.sgemm(ROW_MAJOR, transposition(transA), transposition(transB), (int)m, (int)n, (int)k,
             alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

void lumi_dgemm(int transA, int transB, size_t m, size_t n, size_t k, double alpha,
                const double *a, size_t lda, const double *b, size_t ldb, double beta, double *c,
                size_t ldc) {
  if (!usesLibrary(m, n, k, lda, ldb, ldc)) {
    lumi_dgemm_fallback(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    return;
  }
  blas.dgemm(ROW_MAJOR, transposition(transA), transposition(transB), (int)m, (int)n, (int)k,
             alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}
