// The surrogate derivative of occupancy that surface splatting moves points by.
#include <math.h>

#include "include/lumi_points.h"
#include "include/lumi_runtime.h"
#include "raster_binning.h"
#include "raster_dispatch.h"

enum { POINT_BLOCK = 64 };

typedef struct {
  const lumi_occupancy_frame *frame;
  const void *positions, *occupancyGradient;
  const double *reaches;
  void *byPositions;
} OccupancyJob;

#define RASTER_REALS
#define RASTER_BODY "points_occupancy_body.inc"
#include "raster_levels.h"

lumi_raster_status lumi_points_occupancy_gradient(
    const lumi_occupancy_frame *frame, const void *positions, const double *reaches,
    const void *occupancy_gradient, void *by_positions) {
  static const raster_body single[LUMI_LEVEL_COUNT] = RASTER_TABLE(pullPoints, f32);
  static const raster_body twice[LUMI_LEVEL_COUNT] = RASTER_TABLE(pullPoints, f64);
  const lumi_raster_frame raster = {
      frame->real, 1, frame->points, frame->height, frame->width};
  if (!raster_frame_is_valid(&raster) || !(frame->search_radius >= 0)) return LUMI_RASTER_INVALID;
  OccupancyJob job = {frame, positions, occupancy_gradient, reaches, by_positions};
  lumi_parallel_for(
      (size_t)((frame->points + POINT_BLOCK - 1) / POINT_BLOCK), &job,
      (frame->real == LUMI_FLOAT32 ? single : twice)[lumi_level()]);
  return LUMI_RASTER_OK;
}
