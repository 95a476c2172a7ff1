// The soft mask of DIB-R: how probably pixels that no face covers belong to some face.
//
// Frames, corner layout and image layout are those of lumi_raster.h, with a batch of one, but for
// the extent of the screen, which the parameters state.
#ifndef LUMI_DIBR_H
#define LUMI_DIBR_H

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  double half_width, half_height;  // the screen is [-half_width, half_width] wide; > 0
  double inverse_sigma;  // of a face's probability exp(-distance^2 inverse_sigma); > 0
  double reach;          // faces whose box, grown by this, misses a pixel do not count; >= 0
  int64_t faces_per_pixel;  // only so many, the first by index; >= 1
  // Added to 1 - probability before dividing by it in backward; >= 0 (published 1e-7).
  double reciprocal_guard;
} lumi_dibr_parameters;

// Writes mask [height][width]: 1 where face_index is not -1, else 1 - product(1 - probability).
lumi_raster_status lumi_dibr_forward(
    const lumi_raster_frame *frame, const lumi_dibr_parameters *parameters, const void *corners,
    const int32_t *face_index, void *mask);

// Writes corner_gradient [faces][3][3] from the gradient of the mask; depths get 0.
lumi_raster_status lumi_dibr_backward(
    const lumi_raster_frame *frame, const lumi_dibr_parameters *parameters, const void *corners,
    const int32_t *face_index, const void *mask_gradient, void *corner_gradient);

#ifdef __cplusplus
}
#endif
#endif
