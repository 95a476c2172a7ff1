// Splats, blended front to back: projected Gaussians and flat Gaussians in space.
//
// Splat q covers a pixel with alpha = min(largest_alpha, opacity_q G_q), G being a Gaussian of
//   - a projected splat: exp(-d^T A d / 2), d from its place to the pixel, A = [a b; b c];
//   - a surfel: exp(-min(u^2 + v^2, screen_factor |d|^2) / 2), (u, v) being where the pixel's ray
//     meets its plane.
// Below least_alpha it does not count. A pixel shows sum alpha_q T_q value_q, T_q being the product
// of 1 - alpha over the splats before; once T would fall below least_transmittance, that splat and
// all behind it are left out.
//
// B. Kerbl, G. Kopanas, T. Leimkuehler, G. Drettakis, "3D Gaussian Splatting for Real-Time Radiance
// Field Rendering", SIGGRAPH 2023; B. Huang, Z. Yu, A. Chen, A. Geiger, S. Gao, "2D Gaussian
// Splatting for Geometrically Accurate Radiance Fields", SIGGRAPH 2024.
#ifndef LUMI_SPLATS_H
#define LUMI_SPLATS_H

#include "lumi_raster.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { LUMI_SPLAT_PROJECTED = 0, LUMI_SPLAT_SURFEL = 1 } lumi_splat_kind;

// Arrays of reals have the type that `real` names. Positions are pixels: the centre of column c is
// c + 1/2. A splat with anything that is not finite, or a form that is not positive definite, is
// left out.
typedef struct {
  lumi_real_type real;
  lumi_splat_kind kind;
  int64_t height, width;
  int64_t splats, features;  // features at most LUMI_SPLAT_MAXIMUM_FEATURES
  int64_t listed;
  const int32_t *order;   // [listed]: which splats, front to back; each at most once
  const void *places;     // [splats][2]
  const void *forms;      // projected [splats][3]: a, b, c. Surfels [splats][3][3]: the rows of M,
                          // M (u, v, 1) = depth (x, y, 1)
  const void *opacities;  // [splats]
  const void *values;     // [splats][features]
  double largest_alpha;        // in (0, 1)
  double least_alpha;          // above 0
  double least_transmittance;  // in [0, 1)
  double screen_factor;        // surfels: above 0
  double nearest_depth;        // surfels: rays that meet them nearer do not count
} lumi_splat_scene;

enum { LUMI_SPLAT_MAXIMUM_FEATURES = 256 };

// Gradients in the shapes of the scene's arrays.
typedef struct {
  void *places, *forms, *opacities, *values;
} lumi_splat_gradients;

// Writes image [height][width][features + 1], for surfels [features + 2]: the blended values, for
// surfels the blended depth, and last the sum of all weights alpha T.
lumi_raster_status lumi_splats_forward(const lumi_splat_scene *scene, void *image);

// Adds the gradients of listed splats, given the image and its gradient. No array of gradients may
// be NULL.
lumi_raster_status lumi_splats_backward(
    const lumi_splat_scene *scene, const void *image, const void *image_gradient,
    const lumi_splat_gradients *gradients);

#ifdef __cplusplus
}
#endif
#endif
