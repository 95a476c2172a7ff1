// Sends each kernel of lumi_elementwise.h to the level in force.
#include "elementwise_levels.h"
#include "lumi_runtime.h"

typedef struct {
  __typeof__(&lumi_unary_f32) unary;
  __typeof__(&lumi_binary_f32) binary;
  __typeof__(&lumi_sum_f32) sum;
  __typeof__(&lumi_dot_f32) dot;
  __typeof__(&lumi_add_rows_f32) addRows;
  __typeof__(&lumi_axpy_f32) axpy;
  __typeof__(&lumi_bias_activation_f32) biasActivation;
  __typeof__(&lumi_activation_gradient_f32) activationGradient;
  __typeof__(&lumi_sine_gradient_f32) sineGradient;
  __typeof__(&lumi_adam_f32) adam;
} Kernels;

#define LUMI_KERNELS(suffix)                                                                  \
  {                                                                                           \
    lumi_unary_f32_##suffix, lumi_binary_f32_##suffix, lumi_sum_f32_##suffix,                 \
        lumi_dot_f32_##suffix, lumi_add_rows_f32_##suffix, lumi_axpy_f32_##suffix,            \
        lumi_bias_activation_f32_##suffix, lumi_activation_gradient_f32_##suffix,             \
        lumi_sine_gradient_f32_##suffix, lumi_adam_f32_##suffix                               \
  }

static const Kernels kernelsOfLevel[] = {
  LUMI_KERNELS(base),
#if defined(__x86_64__)
  LUMI_KERNELS(avx2),
  LUMI_KERNELS(avx512),
#endif
};

static const Kernels *kernels(void) { return &kernelsOfLevel[lumi_level()]; }

void lumi_unary_f32(int op, size_t n, const float *x, float *y, float p0, float p1) {
  kernels()->unary(op, n, x, y, p0, p1);
}

void lumi_binary_f32(int op, size_t n, const float *a, size_t stepA, const float *b, size_t stepB,
                     float *y) {
  kernels()->binary(op, n, a, stepA, b, stepB, y);
}

float lumi_sum_f32(size_t n, const float *x) { return kernels()->sum(n, x); }

float lumi_dot_f32(size_t n, const float *a, const float *b) { return kernels()->dot(n, a, b); }

void lumi_add_rows_f32(size_t rows, size_t cols, const float *x, size_t rowStride, float *y) {
  kernels()->addRows(rows, cols, x, rowStride, y);
}

void lumi_axpy_f32(size_t n, float alpha, const float *x, float *y) {
  kernels()->axpy(n, alpha, x, y);
}

void lumi_bias_activation_f32(int activation, size_t rows, size_t cols, const float *bias,
                              float beta, float *y) {
  kernels()->biasActivation(activation, rows, cols, bias, beta, y);
}

void lumi_activation_gradient_f32(int activation, size_t n, const float *output,
                                  const float *cotangent, float beta, float *gradient) {
  kernels()->activationGradient(activation, n, output, cotangent, beta, gradient);
}

void lumi_sine_gradient_f32(size_t n, const float *z, const float *cotangent, float omega,
                            float *gradient) {
  kernels()->sineGradient(n, z, cotangent, omega, gradient);
}

void lumi_adam_f32(size_t n, float *parameter, const float *gradient, float *m, float *v,
                   float rate, float beta1, float beta2, float epsilon, float weightDecay,
                   float correction1, float correction2) {
  kernels()->adam(n, parameter, gradient, m, v, rate, beta1, beta2, epsilon, weightDecay,
                  correction1, correction2);
}
