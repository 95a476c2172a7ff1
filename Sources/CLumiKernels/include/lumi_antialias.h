// Analytic antialiasing: where an outline or an intersection of two faces passes between the
// centres of two adjacent pixels, the pixel on the wrong side of the halfway point takes on a part
// of the other's colour that varies with the outline's place.
//
// Frames, corner layout and image layout are those of lumi_raster.h, with a batch of one.
#ifndef LUMI_ANTIALIAS_H
#define LUMI_ANTIALIAS_H

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int32_t perspective;    // how depth goes over a face, as in lumi_hard_parameters
  int32_t intersections;  // not 0: blend also where two faces without a common edge cross
  // How far beyond a pixel's centre, in pixels, an edge may be and still blend; >= 0 (published
  // 1/16). Its place is then limited to the stretch between the centres.
  double slack;
  // Added to the length of an edge across the pair, in pixels, before dividing by it in backward;
  // >= 0 (published 1e-3). 0 gives the derivative of the forward pass.
  double reciprocal_guard;
} lumi_antialias_parameters;

// One pair of adjacent pixels that is blended: image(target) += alpha (image(second) -
// image(first)), where target is the first pixel if alpha > 0, else the second.
typedef struct {
  int32_t first;   // row-major pixel; the left one or the lower one
  int32_t second;  // its right or upper neighbour
  int32_t face;    // whose edge it is; for an intersection the face of the first pixel
  int32_t edge;    // opposite to this corner of the face; -1 for an intersection
  int32_t other;   // for an intersection the face of the second pixel, else -1
  int32_t owns_first;  // not 0: the face is the first pixel's
  double alpha;    // in [-1/2, 1/2]
} lumi_blend;

typedef struct {
  lumi_blend *items;  // row by row from the top; within a row from the left
  int64_t count;
} lumi_blends;

// For every corner of every face the corner across its opposite edge: opposite [faces * 3] is
// 3 * neighbour + corner, or -1 where the edge has one face. vertices [faces * 3] tells which
// corners are the same. Faces that use a vertex twice are ignored; so is a third face on an edge.
lumi_raster_status lumi_opposite_corners(
    int64_t faces, const int64_t *vertices, int64_t *opposite);

// Finds the blends of an image that shows face_index [height][width] (-1 for none). On success the
// caller frees them; on failure nothing is left to free.
lumi_raster_status lumi_antialias_find(
    const lumi_raster_frame *frame, const lumi_antialias_parameters *parameters,
    const void *corners, const int64_t *opposite, const int32_t *face_index, lumi_blends *blends);
void lumi_blends_free(lumi_blends *blends);

// Blends image [height][width][channels] into output of the same size.
void lumi_antialias_apply(
    const lumi_raster_frame *frame, int64_t channels, const lumi_blends *blends, const void *image,
    void *output);

// Gradients from that of the output. Writes image_gradient [height][width][channels] and, unless
// NULL, corner_gradient [faces][3][3]; depths get one from intersections only.
void lumi_antialias_backward(
    const lumi_raster_frame *frame, const lumi_antialias_parameters *parameters, int64_t channels,
    const lumi_blends *blends, const void *corners, const void *image, const void *output_gradient,
    void *image_gradient, void *corner_gradient);

#ifdef __cplusplus
}
#endif
#endif
