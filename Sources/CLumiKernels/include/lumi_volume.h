// Sums along rays through a volume: samples at equal steps, trilinear look-ups, and how a medium
// turns them into weights; forward and backward.
//
// Coordinates are those of the grid: (i, j, k) is the place of value [i][j][k]. Sample s of a ray
// is at point + s move. Kernels of different levels agree to rounding only.
#ifndef LUMI_VOLUME_H
#define LUMI_VOLUME_H

#include <stddef.h>
#include <stdint.h>

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

// How a sample of density v, over a length l, changes the light T that passes (1 at first), and
// what weight w the sample has. With t = v l:
typedef enum {
  LUMI_MEDIUM_EMISSION_ABSORPTION = 0,  // w = T (1 - exp(-t)), T becomes T exp(-t)
  LUMI_MEDIUM_LIMITED_ABSORPTION = 1,   // p = 1 - t, limited to 1e-5...1; w = T (1 - p), T p
  LUMI_MEDIUM_INCLUSIVE_EMISSION = 2,   // d = t, at most 1; w = T d (1 - d), T (1 - d)
  LUMI_MEDIUM_SATURATING = 3,           // a = t, at least 0; w = min(a, T), T - w
  LUMI_MEDIUM_COUNT = 4
} lumi_volume_medium;

enum {
  LUMI_VOLUME_MOST_FEATURES = 512,
  // Colours that are limited from below are told apart by one bit each.
  LUMI_VOLUME_MOST_LIMITED_COLORS = 32,
  LUMI_VOLUME_MOST_LEVELS = 12,
  // The finest level of occupancy has blocks of 2^this cells along an axis.
  LUMI_VOLUME_FIRST_LEVEL = 2
};

// Which blocks of 2^(level + 2) cells along each axis have a density above a threshold at one of
// their cells' corners. Cell (i, j, k) has the corners (i...i+1, j...j+1, k...k+1).
typedef struct {
  int32_t levels;                                    // 0: none
  const uint8_t *blocks[LUMI_VOLUME_MOST_LEVELS];    // 0 where empty
  int64_t extent[LUMI_VOLUME_MOST_LEVELS][3];
} lumi_volume_occupancy;

// Arrays are of the real type.
typedef struct {
  lumi_real_type real;
  int32_t medium;
  int64_t rays;
  int64_t samples;         // a ray
  int64_t extent[3];       // X, Y, Z, at least 2 each, X Y Z < 2^31
  int64_t colors, basis;   // C, B; colour c of a sample is sum over b of basis[b] features[c B + b]
  const void *density;     // [X][Y][Z]
  const void *features;    // [X][Y][Z][C B]; not read if C is 0
  const void *basis_values;  // [rays][B]; NULL: B is 1 and all are 1
  const void *points;      // [rays][3]
  const void *moves;       // [rays][3]
  const void *lengths;     // [rays]: l
  const int32_t *counts;   // [rays]: samples that count; NULL: all
  int32_t density_repeats;   // outside the outermost values repeat; if 0 values are 0 there
  int32_t features_repeat;
  int32_t rectifies;       // densities below 0 are 0, with no derivative at and below 0
  int32_t limits_colors;   // colours are max(0, offset + sum)
  double color_offset;
  double stop;             // a ray ends where T is not above this
  lumi_volume_occupancy occupancy;
} lumi_volume_scene;

// Any of them may be NULL. Gradients of the grid are written whole.
typedef struct {
  void *density, *features, *basis_values, *points, *moves, *lengths;
} lumi_volume_gradients;

// Writes sums [rays][C + 3]: sum w colour, sum w, the T that is left, and sum w s.
lumi_raster_status lumi_volume_forward(const lumi_volume_scene *scene, void *sums);

// Bytes that lumi_volume_backward works in, a function of the scene alone.
size_t lumi_volume_workspace(const lumi_volume_scene *scene);

// Writes gradients from that of the sums. Marches again; the samples of a batch of rays at a time
// are kept in the workspace.
lumi_raster_status lumi_volume_backward(
    const lumi_volume_scene *scene, const void *sums_gradient, void *workspace,
    const lumi_volume_gradients *gradients);

// Writes the finest level: blocks of 4^3 cells, counts along each axis, that have a value above the
// threshold, or NaN, at a corner of one of their cells.
void lumi_volume_occupied_blocks(
    lumi_real_type real, const int64_t extent[3], const void *density, double threshold,
    const int64_t counts[3], uint8_t *blocks);
// Writes the next coarser level, of half as many blocks along each axis, rounded up.
void lumi_volume_coarser_blocks(
    const int64_t finer_counts[3], const uint8_t *finer, const int64_t counts[3],
    uint8_t *blocks);

#ifdef __cplusplus
}
#endif
#endif
