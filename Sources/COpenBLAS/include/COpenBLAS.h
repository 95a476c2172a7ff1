// Matrix products: OpenBLAS, loaded at run time so that its kernels can be chosen first, with a
// plain C product of our own where the library is absent.
//
// OpenBLAS chooses kernels when it is loaded, and may take an AVX-512 processor that it does not
// know for Haswell. Its SkylakeX kernels measured 1.7 times faster than those (0.3.21, sgemm
// 2048^3, best times of one thread of a Xeon with AVX-512; single pairs of runs gave 1.3-1.8).
// OpenBLAS runs on one thread here: Lumigrad splits the work itself, so that results do not depend
// on the thread count.
#ifndef COPENBLAS_H
#define COPENBLAS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Loads OpenBLAS (libopenblas.so.0, then libopenblas.so) once; any thread may call it, any number
// of times. Returns 1 if OpenBLAS is in use and 0 if the fallback is: with LUMIGRAD_BLAS=fallback,
// or when no library was found. The products below load it by themselves.
//
// While the library loads, OPENBLAS_CORETYPE=SkylakeX (only on a processor with AVX-512 F, DQ, BW
// and VL) and OPENBLAS_NUM_THREADS=1 are in the environment unless the user has set them; both are
// removed afterwards. As with any change of the environment, no other thread should read it then.
int lumi_blas_load(void);

// The file of the loaded library; an empty string for the fallback. The strings of these four
// functions live as long as the process.
const char *lumi_blas_library_path(void);
// The processor OpenBLAS chose its kernels for, such as "SkylakeX"; "fallback" without OpenBLAS.
const char *lumi_blas_core_name(void);
// OpenBLAS's version and build options; an empty string for the fallback.
const char *lumi_blas_config(void);
// Why OpenBLAS is not in use; an empty string if it is.
const char *lumi_blas_error(void);

// c <- alpha op(a) op(b) + beta c with op(a) [m, k], op(b) [k, n] and c [m, n], all row-major; op
// transposes if its flag is not zero. lda, ldb, ldc are the distances between rows as stored, at
// least the row's length. With beta = 0, c is not read. c must not overlap a or b. Sizes may be 0;
// with k = 0, c <- beta c. Safe to call from several threads at once; the same call gives the same
// bits on the same machine. NaN and infinity propagate from a and b unless alpha is 0.
void lumi_sgemm(int transA, int transB, size_t m, size_t n, size_t k, float alpha, const float *a,
                size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);
void lumi_dgemm(int transA, int transB, size_t m, size_t n, size_t k, double alpha,
                const double *a, size_t lda, const double *b, size_t ldb, double beta, double *c,
                size_t ldc);

// The same products without OpenBLAS: packed, cache-blocked, vectorised for AVX-512, AVX2 or the
// base instructions. Each element of c adds its k products in order in blocks of 256.
// They take about 1 MB (double 2 MB) of working memory per call and abort if there is none.
void lumi_sgemm_fallback(int transA, int transB, size_t m, size_t n, size_t k, float alpha,
                         const float *a, size_t lda, const float *b, size_t ldb, float beta,
                         float *c, size_t ldc);
void lumi_dgemm_fallback(int transA, int transB, size_t m, size_t n, size_t k, double alpha,
                         const double *a, size_t lda, const double *b, size_t ldb, double beta,
                         double *c, size_t ldc);

#ifdef __cplusplus
}
#endif
#endif
