// Applies blends to an image and pulls gradients back through them.
#include <string.h>

#include "antialias_geometry.h"

static size_t realSize(const AntialiasScene *scene) {
  return scene->frame.real == LUMI_FLOAT32 ? sizeof(float) : sizeof(double);
}

static void add(const AntialiasScene *scene, void *array, int64_t index, double value) {
  if (scene->frame.real == LUMI_FLOAT32)
    ((float *)array)[index] += (float)value;
  else
    ((double *)array)[index] += value;
}

static int32_t targetOf(const lumi_blend *blend) {
  return blend->alpha > 0 ? blend->first : blend->second;
}

void lumi_antialias_apply(
    const lumi_raster_frame *frame, int64_t channels, const lumi_blends *blends, const void *image,
    void *output) {
  AntialiasScene scene = {.frame = *frame};
  memcpy(output, image, (size_t)(frame->height * frame->width * channels) * realSize(&scene));
  for (int64_t i = 0; i < blends->count; ++i) {
    const lumi_blend *blend = &blends->items[i];
    for (int64_t c = 0; c < channels; ++c) {
      double difference = antialias_load(&scene, image, blend->second * channels + c) -
                          antialias_load(&scene, image, blend->first * channels + c);
      add(&scene, output, targetOf(blend) * channels + c, blend->alpha * difference);
    }
  }
}

// Adds the gradient of an edge's crossing to its two corners.
static void pullEdge(
    const AntialiasScene *scene, const lumi_blend *blend, double cotangent, void *cornerGradient) {
  bool vertical = blend->second != blend->first + 1;
  bool ownsFirst = blend->owns_first;
  int32_t pixel = ownsFirst ? blend->first : blend->second;
  int ends[2] = {(blend->edge + 1) % 3, (blend->edge + 2) % 3};
  AntialiasPoint p[2];
  for (int e = 0; e < 2; ++e) {
    AntialiasPoint q = antialias_relative(scene, 3 * (int64_t)blend->face + ends[e], pixel);
    p[e] = vertical ? (AntialiasPoint){q.y, q.x} : q;
  }
  double span = p[1].y - p[0].y;
  double inverse = 1 / (span + copysign(scene->parameters.reciprocal_guard, span));
  double crossing = (p[0].x * span - p[0].y * (p[1].x - p[0].x)) * inverse;
  double scale = cotangent * antialias_shorter(scene) / 2;
  double byX[2] = {-p[1].y * inverse, p[0].y * inverse};
  double byY[2] = {-(crossing - p[1].x) * inverse, (crossing - p[0].x) * inverse};
  for (int e = 0; e < 2; ++e) {
    int64_t corner = 9 * (int64_t)blend->face + 3 * ends[e];
    add(scene, cornerGradient, corner + (vertical ? 1 : 0), scale * byX[e]);
    add(scene, cornerGradient, corner + (vertical ? 0 : 1), scale * byY[e]);
  }
}

// Adds the gradient of a face's nearness at a pixel: b moves with the corners, values with z.
static void pullNearness(
    const AntialiasScene *scene, int32_t face, int32_t pixel, double cotangent,
    void *cornerGradient) {
  AntialiasPoint at = antialias_center(scene, pixel);
  AntialiasNearness n = antialias_nearness_at(scene, face, at);
  AntialiasPoint slope = antialias_slope(scene, face, at);
  for (int k = 0; k < 3; ++k) {
    int64_t corner = 9 * (int64_t)face + 3 * k;
    double value = antialias_corner_nearness(scene, face, k);
    double byZ = scene->parameters.perspective ? -value * value : -1;
    add(scene, cornerGradient, corner, -cotangent * n.b[k] * slope.x);
    add(scene, cornerGradient, corner + 1, -cotangent * n.b[k] * slope.y);
    add(scene, cornerGradient, corner + 2, cotangent * n.b[k] * byZ);
  }
}

// The place is d0 / (d0 - d1), with the faces' difference in nearness at the two pixels.
static void pullIntersection(
    const AntialiasScene *scene, const lumi_blend *blend, double cotangent, void *cornerGradient) {
  AntialiasCrossing d =
      antialias_crossing(scene, blend->face, blend->other, blend->first, blend->second);
  double span = d.atFirst - d.atSecond;
  double byFirst = cotangent * d.atSecond / (span * span);
  double bySecond = -cotangent * d.atFirst / (span * span);
  pullNearness(scene, blend->face, blend->first, byFirst, cornerGradient);
  pullNearness(scene, blend->other, blend->first, -byFirst, cornerGradient);
  pullNearness(scene, blend->face, blend->second, bySecond, cornerGradient);
  pullNearness(scene, blend->other, blend->second, -bySecond, cornerGradient);
}

void lumi_antialias_backward(
    const lumi_raster_frame *frame, const lumi_antialias_parameters *parameters, int64_t channels,
    const lumi_blends *blends, const void *corners, const void *image, const void *output_gradient,
    void *image_gradient, void *corner_gradient) {
  AntialiasScene scene = {.frame = *frame, .parameters = *parameters, .corners = corners};
  size_t bytes = realSize(&scene);
  memcpy(image_gradient, output_gradient, (size_t)(frame->height * frame->width * channels) * bytes);
  if (corner_gradient) memset(corner_gradient, 0, (size_t)(frame->faces * 9) * bytes);
  for (int64_t i = 0; i < blends->count; ++i) {
    const lumi_blend *blend = &blends->items[i];
    double byAlpha = 0;
    for (int64_t c = 0; c < channels; ++c) {
      double g = antialias_load(&scene, output_gradient, targetOf(blend) * channels + c);
      add(&scene, image_gradient, blend->first * channels + c, -blend->alpha * g);
      add(&scene, image_gradient, blend->second * channels + c, blend->alpha * g);
      byAlpha += g * (antialias_load(&scene, image, blend->second * channels + c) -
                      antialias_load(&scene, image, blend->first * channels + c));
    }
    if (!corner_gradient || byAlpha == 0 || !(fabs(blend->alpha) < 0.5)) continue;
    if (blend->edge >= 0)
      pullEdge(&scene, blend, byAlpha, corner_gradient);
    else
      pullIntersection(&scene, blend, byAlpha, corner_gradient);
  }
}
