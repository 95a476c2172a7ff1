// Elementwise, reduction and row kernels on contiguous float32 arrays.
//
// Every function runs on the calling thread alone, at the level lumi_level() gives, and needs no
// alignment. "In place" means that the output pointer may equal an input pointer; any other overlap
// is not allowed. Nothing here allocates.
//
// The value of an element depends only on its inputs and the level, never on its position or on its
// neighbours, so work may be split at any index. Levels differ by rounding (FMA or not) unless a
// function says that they agree. Special values are those of libm: NaN stays NaN, exp overflows to
// infinity, log(0) is -infinity, log of a negative number is NaN.
//
// Error bounds are in units in the last place (ulp) of the correctly rounded result, over all
// finite inputs. A result below FLT_MIN in magnitude has an absolute error of at most FLT_MIN
// instead. Inside lumi_parallel_for denormal inputs count as zero (so log gives -infinity) and
// denormal intermediates cost nothing; outside, a softplus that is nearly 0 took 3.5 times longer.
#ifndef LUMI_ELEMENTWISE_H
#define LUMI_ELEMENTWISE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Operations of lumi_unary_f32, with their error bounds in ulp. All are in place.
enum {
  LUMI_UNARY_NEG = 0,      // -x; exact
  LUMI_UNARY_ABS,          // |x|; exact
  LUMI_UNARY_SIGN,         // -1, 0 or 1; NaN for NaN; exact
  LUMI_UNARY_SQUARE,       // x x; 0.5
  LUMI_UNARY_SQRT,         // square root; NaN below zero; 0.5
  LUMI_UNARY_RSQRT,        // 1 / sqrt(x); 2
  LUMI_UNARY_RECIPROCAL,   // 1 / x; 0.5
  LUMI_UNARY_EXP,          // e^x; 2
  LUMI_UNARY_EXPM1,        // e^x - 1; 3
  LUMI_UNARY_LOG,          // natural logarithm; 2
  LUMI_UNARY_LOG1P,        // log(1 + x); 3
  LUMI_UNARY_SIN,          // sine; 2; sin(-0) is +0; |x| above 8192 goes to libm, one by one
  LUMI_UNARY_COS,          // cosine; as sine
  LUMI_UNARY_TANH,         // hyperbolic tangent; 4
  LUMI_UNARY_SIGMOID,      // 1 / (1 + e^-x); 3
  LUMI_UNARY_SOFTPLUS,     // log(1 + e^(p0 x)) / p0; 4; p0 is positive and finite
  LUMI_UNARY_RELU,         // x below zero gives 0; exact
  LUMI_UNARY_CLAMP,        // x limited to [p0, p1]; exact
  LUMI_UNARY_SCALE_SHIFT,  // p0 x + p1, rounded once or twice
  LUMI_UNARY_COUNT
};
// y[i] = op(x[i]) for i in 0..<n. p0 and p1 are read only by the operations that name them. An
// unknown op fills y with NaN.
void lumi_unary_f32(int op, size_t n, const float *x, float *y, float p0, float p1);

// Operations of lumi_binary_f32; each rounds once. MIN and MAX give NaN if either input is NaN.
enum {
  LUMI_BINARY_ADD = 0,
  LUMI_BINARY_SUB,
  LUMI_BINARY_MUL,
  LUMI_BINARY_DIV,
  LUMI_BINARY_MIN,
  LUMI_BINARY_MAX,
  LUMI_BINARY_COUNT
};
// y[i] = a[i * stepA] op b[i * stepB] for i in 0..<n. A step is 1, or 0 for one repeated value.
// In place with an input of step 1; a repeated value must lie outside y. Levels agree to the bit.
// An unknown op fills y with NaN.
void lumi_binary_f32(int op, size_t n, const float *a, size_t stepA, const float *b, size_t stepB,
                     float *y);

// The sum of x[0..<n]; 0 for n = 0. Blocks of 1024 in 32 lanes, lanes and blocks added pairwise in
// a fixed order, so that levels agree to the bit (unless denormals are flushed for one and not for
// the other) and the error is at most (37 + log2(n / 1024)) u sum|x| with u = 2^-24.
float lumi_sum_f32(size_t n, const float *x);
// The sum of a[i] b[i], products rounded before they are added, in the order and with the bound of
// lumi_sum_f32 plus one u. Levels agree to the bit.
float lumi_dot_f32(size_t n, const float *a, const float *b);

// y[c] += x[r * rowStride + c] for each row r in order, c in 0..<cols: the gradient of a bias.
// x and y do not overlap. Levels agree to the bit.
void lumi_add_rows_f32(size_t rows, size_t cols, const float *x, size_t rowStride, float *y);
// y[i] += alpha x[i]. x and y may be the same.
void lumi_axpy_f32(size_t n, float alpha, const float *x, float *y);

// Activations of a layer. `beta` is the sharpness of SOFTPLUS and the frequency omega of SINE.
enum {
  LUMI_ACTIVATION_NONE = 0,
  LUMI_ACTIVATION_RELU,
  LUMI_ACTIVATION_SOFTPLUS,  // log(1 + e^(beta z)) / beta
  LUMI_ACTIVATION_SIGMOID,
  LUMI_ACTIVATION_TANH,
  LUMI_ACTIVATION_SINE,  // sin(beta z); the product is exact before the sine is taken
  LUMI_ACTIVATION_COUNT
};
// y[r, c] = activation(y[r, c] + bias[c]) on a contiguous [rows, cols] array. A null bias is zero.
// Bounds as for the unary operation of the same name. An unknown activation fills y with NaN.
void lumi_bias_activation_f32(int activation, size_t rows, size_t cols, const float *bias,
                              float beta, float *y);
// gradient[i] = cotangent[i] activation'(z[i]), from the activation's output: RELU o > 0,
// SOFTPLUS 1 - e^(-beta o), SIGMOID o (1 - o), TANH (1 - o)(1 + o). Any of the arrays may be the
// same. The sine's slope does not follow from its output: SINE, like an unknown activation, fills
// gradient with NaN; use lumi_sine_gradient_f32.
void lumi_activation_gradient_f32(int activation, size_t n, const float *output,
                                  const float *cotangent, float beta, float *gradient);
// gradient[i] = cotangent[i] omega cos(omega z[i]). Any of the arrays may be the same.
void lumi_sine_gradient_f32(size_t n, const float *z, const float *cotangent, float omega,
                            float *gradient);

// One step of Adam with decoupled weight decay (Kingma & Ba 2015; Loshchilov & Hutter 2019):
//   m <- beta1 m + (1 - beta1) g
//   v <- beta2 v + (1 - beta2) g g
//   p <- p - rate weightDecay p - rate (m / correction1) / (sqrt(v / correction2) + epsilon)
// The caller gives the bias corrections of step t = 1, 2, ...: correctionK = 1 - betaK^t. The four
// arrays do not overlap.
void lumi_adam_f32(size_t n, float *parameter, const float *gradient, float *m, float *v,
                   float rate, float beta1, float beta2, float epsilon, float weightDecay,
                   float correction1, float correction2);

#ifdef __cplusplus
}
#endif
#endif
