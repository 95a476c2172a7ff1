// Declares the kernels of lumi_perceptron.h once per level.
#ifndef PERCEPTRON_LEVELS_H
#define PERCEPTRON_LEVELS_H

#include "lumi_perceptron.h"

#define LUMI_DECLARE_PERCEPTRON(suffix)                                                          \
  void lumi_add_activation_gradient_f32_##suffix(int, size_t, const float *, const float *,      \
                                                 float, float *);                                \
  void lumi_activation_second_f32_##suffix(int, size_t, const float *, const float *,            \
                                           const float *, float, float *, float *, float *);     \
  void lumi_positional_encoding_f32_##suffix(size_t, size_t, size_t, const float *, float *);    \
  void lumi_positional_pullback_f32_##suffix(size_t, size_t, size_t, const float *,              \
                                             const float *, float *);                            \
  void lumi_positional_pullback_gradient_f32_##suffix(size_t, size_t, size_t, const float *,     \
                                                      const float *, const float *, float *,     \
                                                      float *);

LUMI_DECLARE_PERCEPTRON(base)
LUMI_DECLARE_PERCEPTRON(avx2)
LUMI_DECLARE_PERCEPTRON(avx512)

#endif
