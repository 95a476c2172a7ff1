// Sends each kernel of lumi_perceptron.h to the level in force.
#include "perceptron_levels.h"
#include "lumi_runtime.h"

typedef struct {
  __typeof__(&lumi_add_activation_gradient_f32) addGradient;
  __typeof__(&lumi_activation_second_f32) second;
  __typeof__(&lumi_positional_encoding_f32) encoding;
  __typeof__(&lumi_positional_pullback_f32) pullback;
  __typeof__(&lumi_positional_pullback_gradient_f32) pullbackGradient;
} Kernels;

#define LUMI_KERNELS(suffix)                                                                  \
  {                                                                                           \
    lumi_add_activation_gradient_f32_##suffix, lumi_activation_second_f32_##suffix,           \
        lumi_positional_encoding_f32_##suffix, lumi_positional_pullback_f32_##suffix,         \
        lumi_positional_pullback_gradient_f32_##suffix                                        \
  }

static const Kernels kernelsOfLevel[] = {
  LUMI_KERNELS(base),
#if defined(__x86_64__)
  LUMI_KERNELS(avx2),
  LUMI_KERNELS(avx512),
#endif
};

static const Kernels *kernels(void) { return &kernelsOfLevel[lumi_level()]; }

void lumi_add_activation_gradient_f32(int activation, size_t n, const float *saved,
                                      const float *cotangent, float beta, float *sum) {
  kernels()->addGradient(activation, n, saved, cotangent, beta, sum);
}

void lumi_activation_second_f32(int activation, size_t n, const float *saved, const float *g,
                                const float *cotangent, float beta, float *u, float *gCotangent,
                                float *zCotangent) {
  kernels()->second(activation, n, saved, g, cotangent, beta, u, gCotangent, zCotangent);
}

void lumi_positional_encoding_f32(size_t rows, size_t n, size_t frequencies, const float *x,
                                  float *y) {
  kernels()->encoding(rows, n, frequencies, x, y);
}

void lumi_positional_pullback_f32(size_t rows, size_t n, size_t frequencies, const float *encoded,
                                  const float *cotangent, float *gradient) {
  kernels()->pullback(rows, n, frequencies, encoded, cotangent, gradient);
}

void lumi_positional_pullback_gradient_f32(size_t rows, size_t n, size_t frequencies,
                                           const float *encoded, const float *cotangent,
                                           const float *gradientCotangent,
                                           float *encodedGradient, float *cotangentGradient) {
  kernels()->pullbackGradient(rows, n, frequencies, encoded, cotangent, gradientCotangent,
                              encodedGradient, cotangentGradient);
}
