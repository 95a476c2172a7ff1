// Trilinear look-ups in a grid at any points, and their derivatives.
//
// Point (i, j, k) is the place of value [i][j][k]. Kernels of different levels agree to rounding
// only.
#ifndef LUMI_TRILINEAR_H
#define LUMI_TRILINEAR_H

#include <stddef.h>
#include <stdint.h>

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

// Arrays are of the real type.
typedef struct {
  lumi_real_type real;
  int32_t repeats;       // outside the outermost values repeat; if 0 values are 0 there
  int64_t extent[3];     // X, Y, Z, at least 1 each, X Y Z < 2^31
  int64_t channels;      // C
  int64_t count;         // N
  const void *grid;      // [X][Y][Z][C]
  const void *points;    // [N][3]
  const int32_t *cells;  // [N][3]: lower corners of the cells whose functions are meant, from 0 to
                         // the extent - 2; NULL: those that points are in
} lumi_trilinear;

// Writes values [N][C].
void lumi_trilinear_values(const lumi_trilinear *look_up, void *values);
// Writes the derivative by points [N][3] from that of the values.
void lumi_trilinear_by_points(
    const lumi_trilinear *look_up, const void *values_gradient, void *points_gradient);
// Bytes that lumi_trilinear_by_grid works in.
size_t lumi_trilinear_workspace(const lumi_trilinear *look_up);
// Writes the derivative by the grid; points are added in their order, whatever the threads.
void lumi_trilinear_by_grid(
    const lumi_trilinear *look_up, const void *values_gradient, void *workspace,
    void *grid_gradient);

#ifdef __cplusplus
}
#endif
#endif
