// Rasterisation of discs and ellipses, and compositing of what a pixel meets.
//
// The screen is that of lumi_raster.h: the shorter image side spans [-1, 1], +x right, +y up, row 0
// on top. Every array of reals in one call has the type that the frame names. Nothing here keeps
// state, and results have the same bits for any number of threads.
#ifndef LUMI_POINTS_H
#define LUMI_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  lumi_real_type real;
  int64_t points;  // 0...2^31 - 1
  int64_t height;  // 1...2^20; height * width at most 2^31 - 1
  int64_t width;
  // 0: shapes are radii [points] and Q is the squared distance, covered below the squared radius.
  // Not 0: shapes are [points][3] = a, b, c and Q = a dx^2 + b dx dy + c dy^2, covered below cutoff.
  int32_t ellipses;
  double cutoff;         // of ellipses; > 0
  int32_t rim_inside;    // not 0: Q equal to its bound is covered
  double near_depth;     // points outside of these depths are left out
  double far_depth;
  double thickness;      // points farther behind a pixel's nearest are left out; INFINITY: none
  int64_t nearest;       // K > 0: the K nearest of a pixel; 0: all
} lumi_point_frame;

// The points of pixel p (row-major) are point_index[pixel_offsets[p] ..< pixel_offsets[p + 1]],
// nearest first, of equal depths the smaller index first. pixel_index repeats p for every entry.
// Points with a number that is not finite, and shapes without an inside, are left out.
typedef struct {
  int64_t *pixel_offsets;
  int32_t *point_index;
  int32_t *pixel_index;
  int64_t count;
} lumi_point_fragments;

// Finds the fragments: positions [points][2], depths [points], shapes as the frame says. On success
// the caller frees them; on failure nothing is left to free. What covers a pixel is decided in
// double whatever the type.
lumi_raster_status lumi_points_rasterize(
    const lumi_point_frame *frame, const void *positions, const void *depths, const void *shapes,
    lumi_point_fragments *fragments);
void lumi_point_fragments_free(lumi_point_fragments *fragments);

// Q of every fragment, [count]. Only real, height, width and ellipses of the frame are read.
void lumi_points_forms(
    const lumi_point_frame *frame, const void *positions, const void *shapes,
    const int32_t *point_index, const int32_t *pixel_index, int64_t count, void *forms);
// Gradients from that of Q: writes by_positions [points][2] and, for ellipses and unless NULL,
// by_shapes [points][3].
void lumi_points_forms_backward(
    const lumi_point_frame *frame, const void *positions, const void *shapes,
    const int32_t *point_index, const int32_t *pixel_index, int64_t count,
    const void *form_gradient, void *by_positions, void *by_shapes);

typedef enum {
  LUMI_COMPOSITE_ALPHA = 0,      // sum_k w_k f_k product_{j<k} (1 - w_j)
  LUMI_COMPOSITE_SUM = 1,        // sum_k w_k f_k
  LUMI_COMPOSITE_NORMALIZED = 2  // sum_k w_k f_k / max(sum_k w_k, minimum_weight)
} lumi_composite_rule;

typedef struct {
  lumi_real_type real;
  lumi_composite_rule rule;
  int64_t pixels;
  int64_t points;
  int64_t channels;       // >= 0
  double minimum_weight;  // > 0
  const int64_t *pixel_offsets;  // [pixels + 1]
  const int32_t *point_index;    // [pixel_offsets[pixels]]
  const int32_t *pixel_index;
} lumi_composite_frame;

// weights are per fragment, features [points][channels]. Writes image [pixels][channels] and
// coverage [pixels], which is what a feature of 1 would give.
void lumi_points_composite(
    const lumi_composite_frame *frame, const void *weights, const void *features, void *image,
    void *coverage);
// Gradients from those of the image and the coverage, either of which may be NULL for none. image
// and coverage are those of the forward pass. Writes by_weights (per fragment), and unless NULL
// by_features [points][channels], for which shares, room for one real a fragment, is needed.
void lumi_points_composite_backward(
    const lumi_composite_frame *frame, const void *weights, const void *features,
    const void *image, const void *coverage, const void *image_gradient,
    const void *coverage_gradient, void *by_weights, void *shares, void *by_features);

typedef struct {
  lumi_real_type real;
  int64_t points;
  int64_t height;
  int64_t width;
  double search_radius;  // screen units, >= 0
  double least_squared;  // squared distances count as at least this; > 0
} lumi_occupancy_frame;

// Surface splatting's pull of pixels on points, W. Yifan et al. 2019, as in the authors' second
// program: every pixel centre at d from a point, |d| <= search_radius, with the cotangent g of its
// occupancy adds g d / max(|d|^2, least_squared); if g > 0 only where the point's box |dx| <=
// reaches[0], |dy| <= reaches[1] contains the pixel. Points whose reaches [points][2] are not above
// 0 get 0. Writes by_positions [points][2].
lumi_raster_status lumi_points_occupancy_gradient(
    const lumi_occupancy_frame *frame, const void *positions, const double *reaches,
    const void *occupancy_gradient, void *by_positions);

#ifdef __cplusplus
}
#endif
#endif
