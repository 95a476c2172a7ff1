// Multi-resolution hash grids; see lumi_hash_grid.h.
#include "include/lumi_hash_grid.h"

#include <string.h>

#include "raster_dispatch.h"

typedef struct {
  void (*values)(const lumi_hash_grid *, size_t, size_t, void *);
  void (*byPoints)(const lumi_hash_grid *, size_t, size_t, const void *, void *);
  void (*byTable)(const lumi_hash_grid *, int32_t, size_t, const void *, void *);
} HashGridKernels;

static const uint32_t hashPrimes[3] = {1, 2654435761u, 805459861u};

#define RASTER_REALS
#define RASTER_BODY "hash_grid_body.inc"
#include "raster_levels.h"

static const HashGridKernels *hashGridKernels(lumi_real_type real) {
  static const HashGridKernels *const table[2][LUMI_LEVEL_COUNT] = {
      RASTER_TABLE(&hashGridKernels, f32), RASTER_TABLE(&hashGridKernels, f64)};
  return table[real][lumi_level()];
}

void lumi_hash_grid_values(const lumi_hash_grid *grid, size_t first, size_t last, void *values) {
  hashGridKernels(grid->real)->values(grid, first, last, values);
}

void lumi_hash_grid_by_points(const lumi_hash_grid *grid, size_t first, size_t last,
                              const void *values_gradient, void *points_gradient) {
  hashGridKernels(grid->real)->byPoints(grid, first, last, values_gradient, points_gradient);
}

void lumi_hash_grid_by_table(const lumi_hash_grid *grid, int32_t level, size_t count,
                             const void *values_gradient, void *table_gradient) {
  hashGridKernels(grid->real)->byTable(grid, level, count, values_gradient, table_gradient);
}
