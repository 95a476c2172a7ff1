// What fused networks need beside lumi_elementwise.h: second derivatives of activations, and
// sines and cosines of coordinates with their derivatives. float32, contiguous arrays.
//
// Every function runs on the calling thread alone, at the level lumi_level() gives, and allocates
// nothing. The value of an element depends on its inputs and the level alone, so work may be split
// anywhere. Levels differ by rounding. Activations and beta are those of lumi_bias_activation_f32;
// `saved` is an activation's output o = f(z), but z itself for LUMI_ACTIVATION_SINE. An unknown
// activation fills what it should write with NaN.
#ifndef LUMI_PERCEPTRON_H
#define LUMI_PERCEPTRON_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// sum[i] += cotangent[i] f'(z[i]). The arrays do not overlap.
void lumi_add_activation_gradient_f32(int activation, size_t n, const float *saved,
                                      const float *cotangent, float beta, float *sum);

// The derivative of the product u = g f'(z), from its cotangent: writes
//   u[i] = g[i] f'(z[i]), gCotangent[i] = cotangent[i] f'(z[i]),
//   zCotangent[i] = cotangent[i] g[i] f''(z[i]).
// gCotangent may be the same array as cotangent; no others overlap. RELU and NONE have f'' = 0.
void lumi_activation_second_f32(int activation, size_t n, const float *saved, const float *g,
                                const float *cotangent, float beta, float *u, float *gCotangent,
                                float *zCotangent);

// Encodes rows of n coordinates: y [rows][(1 + 2 frequencies) n] gets
// [x, sin x, cos x, sin 2x, cos 2x, sin 4x, ...]. Bounds as LUMI_UNARY_SIN.
void lumi_positional_encoding_f32(size_t rows, size_t n, size_t frequencies, const float *x,
                                  float *y);
// The derivative by coordinates [rows][n] from `cotangent`, the one by their encoding; the slopes
// are themselves in `encoded`.
void lumi_positional_pullback_f32(size_t rows, size_t n, size_t frequencies, const float *encoded,
                                  const float *cotangent, float *gradient);
// The derivatives of lumi_positional_pullback_f32 by its inputs `encoded` and `cotangent`, from
// that by its output; either result may be NULL.
void lumi_positional_pullback_gradient_f32(size_t rows, size_t n, size_t frequencies,
                                           const float *encoded, const float *cotangent,
                                           const float *gradientCotangent,
                                           float *encodedGradient, float *cotangentGradient);

#ifdef __cplusplus
}
#endif
#endif
