// The kernels of lumi_elementwise.h and lumi_perceptron.h for AVX-512 F, DQ, BW and VL.
#include "elementwise_levels.h"
#include "perceptron_levels.h"

#if defined(__x86_64__)
#define LUMI_LEVEL(name) name##_avx512
#define LUMI_HAS_FMA 1
#pragma clang attribute push( \
    __attribute__((target("avx2,fma,avx512f,avx512dq,avx512bw,avx512vl"))), apply_to = function)
#include "elementwise_math.inc"
#include "elementwise_body.inc"
#include "perceptron_body.inc"
#pragma clang attribute pop
#endif
