// Normalisation of rows to mean 0 and variance 1, with its derivative.
//
// Everything runs on the calling thread. Sums over a row go through 16 lanes that are added in
// order, so levels differ by fused products only.
#ifndef LUMI_LAYER_NORM_H
#define LUMI_LAYER_NORM_H

#include <stddef.h>

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

// Arrays are of the real type.
typedef struct {
  lumi_real_type real;
  size_t rows, columns;  // columns at least 1
  double epsilon;        // added to the (biased) variance
  int rectifies;         // whether what is below 0 at the end becomes 0
  const void *x;         // [rows][columns]
  const void *gain;      // [columns]
  const void *bias;      // [columns]
} lumi_layer_norm;

// Writes y [rows][columns] = (x - mean) / sqrt(variance + epsilon) gain + bias and, for the
// derivative, statistics [rows][2]: mean and 1 / sqrt(variance + epsilon).
void lumi_layer_norm_values(const lumi_layer_norm *norm, void *y, void *statistics);
// From y's derivative writes those by x [rows][columns], and adds those by gain and bias
// [columns]. NULL for what is not wanted.
void lumi_layer_norm_gradient(const lumi_layer_norm *norm, const void *statistics,
                              const void *y_gradient, void *x_gradient, void *gain_gradient,
                              void *bias_gradient);

#ifdef __cplusplus
}
#endif
#endif
