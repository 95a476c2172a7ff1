// The kernels of lumi_elementwise.h and lumi_perceptron.h for AVX2 and FMA.
#include "elementwise_levels.h"
#include "perceptron_levels.h"

#if defined(__x86_64__)
#define LUMI_LEVEL(name) name##_avx2
#define LUMI_HAS_FMA 1
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "elementwise_math.inc"
#include "elementwise_body.inc"
#include "perceptron_body.inc"
#pragma clang attribute pop
#endif
