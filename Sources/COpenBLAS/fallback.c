// The matrix product used without OpenBLAS, for three sets of vector instructions and two types.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "COpenBLAS.h"

// A block of a and a panel of b stay in the second-level cache while they are multiplied.
enum { ROW_BLOCK = 144, COLUMN_BLOCK = 768, DEPTH_BLOCK = 256 };

static void *workingMemory(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (memory == NULL) {
    fprintf(stderr, "Lumigrad: matrix product: no memory for %zu bytes\n", bytes);
    abort();
  }
  return memory;
}

// The tile's sums fill most of the vector registers: 16 of 16 bytes, 16 of 32, 32 of 64.
#define VECTOR_BYTES 16
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define REAL float
#define GEMM_NAME(name) name##_f32_base
#include "fallback_body.inc"
#define REAL double
#define GEMM_NAME(name) name##_f64_base
#include "fallback_body.inc"
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define REAL float
#define GEMM_NAME(name) name##_f32_avx2
#include "fallback_body.inc"
#define REAL double
#define GEMM_NAME(name) name##_f64_avx2
#include "fallback_body.inc"
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f"))), apply_to = function)
#define VECTOR_BYTES 64
#define TILE_ROWS 12
#define TILE_VECTORS 2
#define REAL float
#define GEMM_NAME(name) name##_f32_avx512
#include "fallback_body.inc"
#define REAL double
#define GEMM_NAME(name) name##_f64_avx512
#include "fallback_body.inc"
#undef VECTOR_BYTES
#undef TILE_ROWS
#undef TILE_VECTORS
#pragma clang attribute pop

static int hasAVX512(void) { return __builtin_cpu_supports("avx512f"); }
static int hasAVX2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

void lumi_sgemm_fallback(int transA, int transB, size_t m, size_t n, size_t k, float alpha,
                         const float *a, size_t lda, const float *b, size_t ldb, float beta,
                         float *c, size_t ldc) {
  __typeof__(&gemm_f32_base) gemm = gemm_f32_base;
#if defined(__x86_64__)
  if (hasAVX512()) {
    gemm = gemm_f32_avx512;
  } else if (hasAVX2()) {
    gemm = gemm_f32_avx2;
  }
#endif
  gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

void lumi_dgemm_fallback(int transA, int transB, size_t m, size_t n, size_t k, double alpha,
                         const double *a, size_t lda, const double *b, size_t ldb, double beta,
                         double *c, size_t ldc) {
  __typeof__(&gemm_f64_base) gemm = gemm_f64_base;
#if defined(__x86_64__)
  if (hasAVX512()) {
    gemm = gemm_f64_avx512;
  } else if (hasAVX2()) {
    gemm = gemm_f64_avx2;
  }
#endif
  gemm(transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
