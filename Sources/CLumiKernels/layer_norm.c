// Normalisation of rows; see lumi_layer_norm.h.
#include "include/lumi_layer_norm.h"

#include <math.h>
#include <stdbool.h>

#include "raster_dispatch.h"

enum { LANES = 16 };

typedef struct {
  void (*values)(const lumi_layer_norm *, void *, void *);
  void (*gradient)(const lumi_layer_norm *, const void *, const void *, void *, void *, void *);
} LayerNormKernels;

#define RASTER_REALS
#define RASTER_BODY "layer_norm_body.inc"
#include "raster_levels.h"

static const LayerNormKernels *layerNormKernels(lumi_real_type real) {
  static const LayerNormKernels *const table[2][LUMI_LEVEL_COUNT] = {
      RASTER_TABLE(&layerNormKernels, f32), RASTER_TABLE(&layerNormKernels, f64)};
  return table[real][lumi_level()];
}

void lumi_layer_norm_values(const lumi_layer_norm *norm, void *y, void *statistics) {
  layerNormKernels(norm->real)->values(norm, y, statistics);
}

void lumi_layer_norm_gradient(const lumi_layer_norm *norm, const void *statistics,
                              const void *y_gradient, void *x_gradient, void *gain_gradient,
                              void *bias_gradient) {
  layerNormKernels(norm->real)
      ->gradient(norm, statistics, y_gradient, x_gradient, gain_gradient, bias_gradient);
}
