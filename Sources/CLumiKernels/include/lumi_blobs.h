// Rays through Gaussian blobs of an absorbing and shining medium, forward and backward.
//
// Blob q has a centre, a width sigma, a peak density c and a colour a; its density at x is
// c exp(-|x - centre|^2 / (2 sigma^2)). A ray, from an origin along a unit direction, keeps
// T(s) = exp(-integral of all densities from 0 to s) of what comes from s. Blob q is seen with
// V = sum over nodes x_k of weight_k sigma T(m + x_k sigma) density(m + x_k sigma), where m is the
// place on the ray nearest to its centre. Places behind the origin do not count; those less than
// weight_k sigma before it count less, smoothly, so that there is no step where the origin enters a
// blob.
#ifndef LUMI_BLOBS_H
#define LUMI_BLOBS_H

#include <stdint.h>

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

// All arrays are doubles. Blobs with a width that is not above 0, a density below 0 or anything
// that is not finite are left out.
typedef struct {
  int64_t rays, blobs, channels, nodes;
  const double *origins;     // [rays][3]
  const double *directions;  // [rays][3], unit length
  const double *centers;     // [blobs][3]
  const double *sigmas;      // [blobs]
  const double *densities;   // [blobs]
  const double *colors;      // [blobs][channels]
  const double *background;  // [channels]
  const double *places;      // [nodes]: x_k
  const double *weights;     // [nodes]
  // Blobs farther from a ray than this many sigmas are left out; > 0. On the last sigma before, the
  // density falls smoothly to 0.
  double cutoff;
} lumi_blob_scene;

// Gradients by every array of the scene, in the same shapes.
typedef struct {
  double *origins, *directions, *centers, *sigmas, *densities, *colors, *background;
} lumi_blob_gradients;

// Writes image [rays][channels + 1]: sum V a + T(infinity) background, and 1 - T(infinity); and,
// unless NULL, visibility [rays][blobs], V.
lumi_raster_status lumi_blobs_forward(
    const lumi_blob_scene *scene, double *image, double *visibility);

// Writes gradients from that of the image.
lumi_raster_status lumi_blobs_backward(
    const lumi_blob_scene *scene, const double *image_gradient,
    const lumi_blob_gradients *gradients);

#ifdef __cplusplus
}
#endif
#endif
