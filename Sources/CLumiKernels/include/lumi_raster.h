// Binning, hard and soft rasterisation of triangles.
//
// Corner layout: triangles arrive as corners [batch][faces][3][3], for each corner x, y (screen:
// the shorter image side spans [-1, 1], +x right, +y up) and z (camera depth, positive in front).
// The centre of pixel (row r, column c) is ((2c + 1 - width) / m, (height - 1 - 2r) / m) with
// m = min(width, height); row 0 is the top. Images are [batch][height][width][channels].
//
// Every array of reals in one call has the type that the frame names. A face with a coordinate
// that is not finite, whose area overflows the type, or with a depth below 1e-18 (which counts as
// 0) is left out; a gradient that overflows the type is 0. Nothing here keeps state, and results
// have the same bits for any number of threads.
#ifndef LUMI_RASTER_H
#define LUMI_RASTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  LUMI_RASTER_OK = 0,
  LUMI_RASTER_NO_MEMORY = 1,  // an allocation failed or a size does not fit into memory
  LUMI_RASTER_INVALID = 2     // a size, option or parameter is out of its range
} lumi_raster_status;

typedef enum { LUMI_FLOAT32 = 0, LUMI_FLOAT64 = 1 } lumi_real_type;

// The extent shared by every array of a call. Height and width are 1...2^20, faces and batch at
// least 0 and faces at most 2^31 - 1.
typedef struct {
  lumi_real_type real;
  int64_t batch;
  int64_t faces;
  int64_t height;
  int64_t width;
} lumi_raster_frame;

// ---- Soft Rasterizer ---------------------------------------------------------------------------

typedef enum {
  LUMI_SOFT_EUCLIDEAN = 0,    // squared distance to the boundary, in squared screen units
  LUMI_SOFT_BARYCENTRIC = 1,  // squared smallest barycentric coordinate
  LUMI_SOFT_DISTANCE_HARD = 2 // 1 inside or on the boundary, nothing elsewhere
} lumi_soft_distance;

typedef enum {
  LUMI_SOFT_PRODUCT = 0,   // 1 - product(1 - D)
  LUMI_SOFT_SUM = 1,       // sum(D) / faces
  LUMI_SOFT_ALPHA_HARD = 2 // 1 where any D > 1/2; no gradient
} lumi_soft_alpha;

typedef enum {
  LUMI_SOFT_SOFTMAX = 0,    // all faces blended with weights D exp(depth / gamma)
  LUMI_SOFT_COLOR_HARD = 1, // the nearest face; no geometry gradient from colour if official
  LUMI_SOFT_SILHOUETTE = 2  // no colour: the image is alpha alone
} lumi_soft_color;

typedef enum {
  // Clipped barycentrics are constants, and faces outside [near, far] get no gradient: what the
  // authors' program computes.
  LUMI_SOFT_OFFICIAL = 0,
  // The derivative of the forward pass.
  LUMI_SOFT_COMPLETE = 1
} lumi_soft_gradient;

typedef struct {
  lumi_soft_distance distance;
  lumi_soft_alpha alpha;
  lumi_soft_color color;
  lumi_soft_gradient gradient;
  double sigma;         // softness of the boundary, squared screen units; > 0 (published 1e-5)
  double gamma;         // softness of the depth order; > 0 (published 1e-4)
  double distance_eps;  // smallest D that counts; in (0, 1/2] (published 1e-4)
  double near_depth;    // faces whose depth at the pixel is outside [near, far] give no colour;
  double far_depth;     // 0 < near < far (published 1 and 100)
  // log of the background's weight in the softmax, e.g. 2 eps / gamma (the authors' program) or
  // eps / gamma (the paper), eps = 1e-3. May be of any finite size.
  double background_exponent;
  int32_t double_sided;  // 0: only faces seen from their front give colour; alpha is of all faces
  int32_t channels;      // colour channels, >= 1; ignored by silhouettes
  // 0: colours are per corner, [..][faces][3][channels]. R > 0: each face has R * R flat texels,
  // [..][faces][R * R][channels].
  int32_t texel_resolution;
  int32_t shared_colors;  // not 0: one set of colours [faces].. serves every view of the batch
} lumi_soft_parameters;

// What the backward pass needs of the forward pass. The caller owns the arrays, all
// [batch][height][width]; those that the options do not need may be NULL.
typedef struct {
  void *transmittance;    // product(1 - D); LUMI_SOFT_PRODUCT
  void *exponent;         // largest exponent of the softmax; LUMI_SOFT_SOFTMAX
  void *denominator;      // sum of the weights relative to that exponent; LUMI_SOFT_SOFTMAX
  int32_t *nearest_face;  // -1 where there is none; LUMI_SOFT_COLOR_HARD
} lumi_soft_saved;

// Renders image [batch][height][width][channels + 1], alpha last, or [..][1] for silhouettes.
// colors and background [channels] are ignored by silhouettes. saved may be NULL (no backward).
lumi_raster_status lumi_soft_forward(
    const lumi_raster_frame *frame, const lumi_soft_parameters *parameters, const void *corners,
    const void *colors, const void *background, void *image, const lumi_soft_saved *saved);

// Gradients of a loss from its gradient with respect to the image. image and saved are those of
// the forward pass. Writes (does not add to) corner_gradient [batch][faces][3][3] and, unless NULL,
// color_gradient in the layout of colors; shared colours get the sum over the batch in view order.
// Extra memory: one partial gradient, 9 + R * R * channels (or 3 * channels) reals, per face and
// 32 x 32 tile that it reaches.
lumi_raster_status lumi_soft_backward(
    const lumi_raster_frame *frame, const lumi_soft_parameters *parameters, const void *corners,
    const void *colors, const void *image, const lumi_soft_saved *saved,
    const void *image_gradient, void *corner_gradient, void *color_gradient);

// ---- Fragments: which faces reach which pixel ---------------------------------------------------

typedef struct {
  double radius_squared;      // faces closer than this (squared screen units) reach a pixel; >= 0
  double minimum_twice_area;  // faces with |twice the screen area| below this are left out
  double minimum_depth;       // faces with a corner depth below this, or <= 0, are left out
  int32_t edges_inside;       // not 0: a pixel centre on an edge counts as inside
  // 0: every face, in ascending index order. K > 0: the K nearest by depth, then index, in that
  // order; a face whose depth at the pixel is negative is left out.
  int32_t nearest;
  // How depth at the pixel is interpolated when nearest > 0 (PyTorch3D's rules).
  int32_t perspective_correct;
  int32_t clip_barycentric;
} lumi_fragment_parameters;

// Lists per pixel: the faces of pixel p (counted over [batch][height][width]) are
// face_index[pixel_offsets[p] ..< pixel_offsets[p + 1]], indices within their view.
typedef struct {
  int64_t *pixel_offsets;
  int32_t *face_index;
  int64_t count;
} lumi_fragments;

// Finds the fragments. On success the caller frees them; on failure nothing is left to free.
lumi_raster_status lumi_fragments_create(
    const lumi_raster_frame *frame, const lumi_fragment_parameters *parameters,
    const void *corners, lumi_fragments *fragments);
void lumi_fragments_free(lumi_fragments *fragments);

// ---- Hard rasteriser ----------------------------------------------------------------------------

// What an image holds after the attributes.
typedef enum {
  LUMI_HARD_NOTHING = 0,
  LUMI_HARD_COVERAGE = 1,  // 1 where there is a face
  LUMI_HARD_DEPTH = 2
} lumi_hard_extra;

typedef struct {
  int32_t perspective;  // not 0: depth and attributes are perspective-correct; 0: affine
  int32_t channels;     // attribute channels per corner, >= 0; not used by visibility
  lumi_hard_extra extra;  // one more image channel, or none
  double near_depth;    // fragments nearer or farther than these are left out;
  double far_depth;     // 0 and INFINITY accept all
} lumi_hard_parameters;

// The nearest face of every pixel: face_index [batch][height][width], -1 where there is none.
// A face covers a pixel centre inside it or on its boundary, whatever its orientation; a later face
// replaces an earlier one only if nearer by more than 1e-9 of the depth. Faces with |twice area|
// below 1e-12 or a corner depth <= 0 are left out. barycentrics, unless NULL, is
// [batch][height][width][3], affine in the screen, zeros where there is no face.
lumi_raster_status lumi_hard_visibility(
    const lumi_raster_frame *frame, const lumi_hard_parameters *parameters, const void *corners,
    int32_t *face_index, void *barycentrics);

// Interpolates attributes [batch][faces][3][channels] over the visibility into
// image [batch][height][width][channels], plus one channel for an extra; background, as long as a
// pixel, fills the rest. face_index and, unless NULL, barycentrics are written as by
// lumi_hard_visibility.
lumi_raster_status lumi_hard_forward(
    const lumi_raster_frame *frame, const lumi_hard_parameters *parameters, const void *corners,
    const void *attributes, const void *background, int32_t *face_index, void *barycentrics,
    void *image);

// Gradients with the visibility frozen: face_index as the forward pass wrote it. barycentrics may
// be NULL, then they are computed again, with the same bits and less memory. Writes corner_gradient
// [batch][faces][3][3] and attribute_gradient [batch][faces][3][channels] (may be NULL).
lumi_raster_status lumi_hard_backward(
    const lumi_raster_frame *frame, const lumi_hard_parameters *parameters, const void *corners,
    const void *attributes, const int32_t *face_index, const void *barycentrics,
    const void *image_gradient, void *corner_gradient, void *attribute_gradient);

#ifdef __cplusplus
}
#endif
#endif
