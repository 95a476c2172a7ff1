// Places of corners and depths of faces, as antialiasing sees them, and their derivatives.
#ifndef ANTIALIAS_GEOMETRY_H
#define ANTIALIAS_GEOMETRY_H

#include <math.h>
#include <stdbool.h>

#include "include/lumi_antialias.h"

typedef struct {
  double x, y;
} AntialiasPoint;

typedef struct {
  lumi_raster_frame frame;
  lumi_antialias_parameters parameters;
  const void *corners;
} AntialiasScene;

// Element of an array of the frame's type.
static inline double antialias_load(const AntialiasScene *scene, const void *array, int64_t index) {
  return scene->frame.real == LUMI_FLOAT32 ? (double)((const float *)array)[index]
                                           : ((const double *)array)[index];
}

static inline double antialias_shorter(const AntialiasScene *scene) {
  return (double)(scene->frame.height < scene->frame.width ? scene->frame.height
                                                           : scene->frame.width);
}

// Centre of a pixel on the screen.
static inline AntialiasPoint antialias_center(const AntialiasScene *scene, int32_t pixel) {
  int64_t width = scene->frame.width, height = scene->frame.height;
  int64_t row = pixel / width, column = pixel % width;
  double shorter = antialias_shorter(scene);
  return (AntialiasPoint){
      (double)(2 * column + 1 - width) / shorter, (double)(height - 1 - 2 * row) / shorter};
}

// A corner (3 face + k) relative to a pixel's centre, in pixels.
static inline AntialiasPoint antialias_relative(
    const AntialiasScene *scene, int64_t corner, int32_t pixel) {
  AntialiasPoint center = antialias_center(scene, pixel);
  double scale = antialias_shorter(scene) / 2;
  return (AntialiasPoint){
      (antialias_load(scene, scene->corners, 3 * corner) - center.x) * scale,
      (antialias_load(scene, scene->corners, 3 * corner + 1) - center.y) * scale};
}

// A face's affine function on the screen that grows towards the eye: 1/z under perspective, else
// -z. Weight b[k] of corner k at a pixel's centre, also outside of the face.
typedef struct {
  double b[3], value;
  AntialiasPoint gradient[3];  // of b[k] over the screen
} AntialiasNearness;

static inline double antialias_corner_nearness(
    const AntialiasScene *scene, int32_t face, int k) {
  double z = antialias_load(scene, scene->corners, 9 * (int64_t)face + 3 * k + 2);
  return scene->parameters.perspective ? 1 / z : -z;
}

static inline AntialiasNearness antialias_nearness_at(
    const AntialiasScene *scene, int32_t face, AntialiasPoint at) {
  double x[3], y[3];
  for (int k = 0; k < 3; ++k) {
    x[k] = antialias_load(scene, scene->corners, 9 * (int64_t)face + 3 * k);
    y[k] = antialias_load(scene, scene->corners, 9 * (int64_t)face + 3 * k + 1);
  }
  double inverse = 1 / ((x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0]));
  AntialiasNearness result = {.value = 0};
  for (int k = 0; k < 3; ++k) {
    int i = (k + 1) % 3, j = (k + 2) % 3;
    result.b[k] = ((x[i] - at.x) * (y[j] - at.y) - (x[j] - at.x) * (y[i] - at.y)) * inverse;
    result.gradient[k] = (AntialiasPoint){(y[i] - y[j]) * inverse, (x[j] - x[i]) * inverse};
    result.value += result.b[k] * antialias_corner_nearness(scene, face, k);
  }
  return result;
}

// How nearness changes over the screen.
static inline AntialiasPoint antialias_slope(
    const AntialiasScene *scene, int32_t face, AntialiasPoint at) {
  AntialiasNearness n = antialias_nearness_at(scene, face, at);
  AntialiasPoint slope = {0, 0};
  for (int k = 0; k < 3; ++k) {
    double value = antialias_corner_nearness(scene, face, k);
    slope.x += value * n.gradient[k].x;
    slope.y += value * n.gradient[k].y;
  }
  return slope;
}

static inline double antialias_nearness(const AntialiasScene *scene, int32_t face, int32_t pixel) {
  return antialias_nearness_at(scene, face, antialias_center(scene, pixel)).value;
}

// By how much one face is nearer than another at two pixels.
typedef struct {
  double atFirst, atSecond;
} AntialiasCrossing;

static inline AntialiasCrossing antialias_crossing(
    const AntialiasScene *scene, int32_t face, int32_t other, int32_t first, int32_t second) {
  return (AntialiasCrossing){
      antialias_nearness(scene, face, first) - antialias_nearness(scene, other, first),
      antialias_nearness(scene, face, second) - antialias_nearness(scene, other, second)};
}

// Whether a face covers the point between two pixels' centres; place 0 is the first, 1 the second.
static inline bool antialias_reaches(
    const AntialiasScene *scene, int32_t face, int32_t first, int32_t second, double place) {
  AntialiasPoint a = antialias_center(scene, first), b = antialias_center(scene, second);
  AntialiasPoint at = {a.x + place * (b.x - a.x), a.y + place * (b.y - a.y)};
  AntialiasNearness n = antialias_nearness_at(scene, face, at);
  return n.b[0] >= 0 && n.b[1] >= 0 && n.b[2] >= 0;
}

#endif
