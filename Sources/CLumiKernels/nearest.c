// Searches through trees of points; see lumi_nearest.h.
#include "include/lumi_nearest.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "raster_dispatch.h"

enum { WIDTH = LUMI_TREE_WIDTH };

typedef double Double8 __attribute__((ext_vector_type(8)));
typedef _Bool Bool8 __attribute__((ext_vector_type(8)));

// One bit a lane of a comparison.
#define LANES_WHERE(condition)                              \
  ({                                                        \
    Bool8 is = __builtin_convertvector((condition), Bool8); \
    uint8_t bits;                                           \
    memcpy(&bits, &is, sizeof bits);                        \
    (unsigned)bits;                                         \
  })

typedef struct {
  int64_t node;   // within its level, or a leaf's number
  int32_t level;  // -1 for a leaf
  double squared;
} TreeEntry;

typedef struct {
  void (*nearest)(const lumi_point_tree *, const double *, const int32_t *, size_t, size_t, size_t,
                  int32_t *, double *);
  void (*within)(const lumi_point_tree *, const double *, size_t, size_t, double, int64_t *,
                 const int64_t *, int32_t *, double *);
  void (*along)(const lumi_point_tree *, const double *, size_t, size_t, double, double, int64_t *,
                const int64_t *, int32_t *);
} NearestKernels;

#define RASTER_BODY "nearest_body.inc"
#include "raster_levels.h"

static const NearestKernels *nearestKernels(void) {
  static const NearestKernels *const table[LUMI_LEVEL_COUNT] = RASTER_TABLE(&nearestKernels, f64);
  return table[lumi_level()];
}

void lumi_nearest_points(const lumi_point_tree *tree, const double *queries, const int32_t *order,
                         size_t first, size_t last, size_t count, int32_t *indices,
                         double *squared) {
  if (tree->levels == 0 || count == 0) return;
  nearestKernels()->nearest(tree, queries, order, first, last, count, indices, squared);
}

void lumi_count_within(const lumi_point_tree *tree, const double *queries, size_t first, size_t last,
                       double squared_radius, int64_t *counts) {
  for (size_t row = first; row < last; ++row) counts[row] = 0;
  if (tree->levels == 0) return;
  double bound = squared_radius < DBL_MAX ? squared_radius : DBL_MAX;
  nearestKernels()->within(tree, queries, first, last, bound, counts, NULL, NULL, NULL);
}

void lumi_points_within(const lumi_point_tree *tree, const double *queries, size_t first,
                        size_t last, double squared_radius, const int64_t *offsets,
                        int32_t *indices, double *squared) {
  if (tree->levels == 0) return;
  double bound = squared_radius < DBL_MAX ? squared_radius : DBL_MAX;
  nearestKernels()->within(tree, queries, first, last, bound, NULL, offsets, indices, squared);
}

void lumi_count_along(const lumi_point_tree *tree, const double *rays, size_t first, size_t last,
                      double squared_radius, double margin, int64_t *counts) {
  for (size_t row = first; row < last; ++row) counts[row] = 0;
  if (tree->levels == 0) return;
  nearestKernels()->along(tree, rays, first, last, squared_radius, margin, counts, NULL, NULL);
}

void lumi_points_along(const lumi_point_tree *tree, const double *rays, size_t first, size_t last,
                       double squared_radius, double margin, const int64_t *offsets,
                       int32_t *indices) {
  if (tree->levels == 0) return;
  nearestKernels()->along(tree, rays, first, last, squared_radius, margin, NULL, offsets, indices);
}
