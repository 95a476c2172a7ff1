// Declares the kernels of lumi_elementwise.h once per level.
#ifndef ELEMENTWISE_LEVELS_H
#define ELEMENTWISE_LEVELS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "lumi_elementwise.h"

#define LUMI_DECLARE(suffix)                                                                     \
  void lumi_unary_f32_##suffix(int, size_t, const float *, float *, float, float);               \
  void lumi_binary_f32_##suffix(int, size_t, const float *, size_t, const float *, size_t,       \
                                float *);                                                        \
  float lumi_sum_f32_##suffix(size_t, const float *);                                            \
  float lumi_dot_f32_##suffix(size_t, const float *, const float *);                             \
  void lumi_add_rows_f32_##suffix(size_t, size_t, const float *, size_t, float *);               \
  void lumi_axpy_f32_##suffix(size_t, float, const float *, float *);                            \
  void lumi_bias_activation_f32_##suffix(int, size_t, size_t, const float *, float, float *);    \
  void lumi_activation_gradient_f32_##suffix(int, size_t, const float *, const float *, float,   \
                                             float *);                                           \
  void lumi_sine_gradient_f32_##suffix(size_t, const float *, const float *, float, float *);    \
  void lumi_adam_f32_##suffix(size_t, float *, const float *, float *, float *, float, float,    \
                              float, float, float, float, float);

LUMI_DECLARE(base)
LUMI_DECLARE(avx2)
LUMI_DECLARE(avx512)

#endif
