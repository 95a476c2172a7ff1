// The gradient of the Neural Mesh Renderer: what pixels along a row or column would bring if an
// edge of a face came to them.
//
// Frames, corner layout and image layout are those of lumi_raster.h, with a batch of one.
#ifndef LUMI_NMR_H
#define LUMI_NMR_H

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  int64_t channels;
  // Added to the distance that an edge has to travel, away from zero, in screen units; > 0.
  double epsilon;
  // Not 0: faces that are clockwise on the screen get no gradient.
  int32_t culls_back;
} lumi_nmr_parameters;

// From image and image_gradient [height][width][channels] and face_index [height][width] (-1 for
// none) writes corner_gradient [faces][3][3]; depths get 0. Work grows with the length of all
// visible edges in pixels times the part of a row or column in which image_gradient is not 0.
lumi_raster_status lumi_nmr_backward(
    const lumi_raster_frame *frame, const lumi_nmr_parameters *parameters, const void *corners,
    const int32_t *face_index, const void *image, const void *image_gradient,
    void *corner_gradient);

#ifdef __cplusplus
}
#endif
#endif
