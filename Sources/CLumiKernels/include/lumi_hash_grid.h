// Multi-resolution hash grids: look-ups, and their derivatives to second order.
//
// The features of a point are multilinear in its place within a cell, Σ weight(corner) table[row].
// With a direction per point, every weight is replaced by its derivative along that direction, which
// turns the same three functions into those of the directional derivative.
//
// Everything runs on the calling thread. Kernels of different levels agree to rounding only.
#ifndef LUMI_HASH_GRID_H
#define LUMI_HASH_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

// Arrays are of the real type.
typedef struct {
  lumi_real_type real;
  int32_t dimensions;         // D, 2 or 3
  int32_t levels;             // L
  int32_t features;           // F, numbers in a row
  const int32_t *resolution;  // [L]: cells along an axis
  const int32_t *hashed;      // [L]: whether nodes share rows
  const int64_t *first_row;   // [L + 1]
  const void *points;         // [N][D]: 0 to 1 along every axis, limited to that
  const void *direction;      // [N][D], or NULL
  const void *table;          // [first_row[L]][F]
} lumi_hash_grid;

// Writes values [N][L][F] of the points first..<last.
void lumi_hash_grid_values(const lumi_hash_grid *grid, size_t first, size_t last, void *values);
// Writes the derivative by points [N][D] from that of the values, of the points first..<last. A
// direction is held constant.
void lumi_hash_grid_by_points(const lumi_hash_grid *grid, size_t first, size_t last,
                              const void *values_gradient, void *points_gradient);
// Writes a level's rows of the derivative by the table; points 0..<count are added in order.
void lumi_hash_grid_by_table(const lumi_hash_grid *grid, int32_t level, size_t count,
                             const void *values_gradient, void *table_gradient);

#ifdef __cplusplus
}
#endif
#endif
