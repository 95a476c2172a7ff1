// Body of raster_soft.c: the backward pass of one tile, and the sum over tiles.
//
// Every face of a tile is walked again; what it did to a pixel follows from the pixel's product of
// 1 - D and the softmax's exponent and denominator, which the forward pass saved.

typedef struct {
  REAL *alpha;     // incoming gradient of alpha, times product(1 - D) or divided by faces
  REAL *exponent;  // of the softmax
  REAL *scale;     // 1 / its denominator; 0 outside the image
  REAL *color;     // [channels] planes of the image
  REAL *gradient;  // [channels] planes of the image's gradient
  int32_t *nearest;
  REAL x[STRIDE];
} NAME(Evidence);

// Sums over a face's pixels, kept apart per lane until the tile is done.
typedef struct {
  REAL corner[9][LANES];
  REAL *color;  // [3 * channels][LANES], or with texels [R * R * channels] sums over lanes
} NAME(Sums);

// Gradients of one window on their way from the image to the corners.
typedef struct {
  REAL logit[LANES];   // of the loss by logit
  REAL weight[LANES];  // the face's share of the pixel's colour
  REAL z[LANES];
  REAL w[3][LANES];    // by the barycentric coordinates
} NAME(Flow);

// With logit = distance / sigma, dalpha/dD = product(1 - D) / (1 - D) and dD/dlogit = D (1 - D), so
// that 1 - D cancels. The official program bounds the divisor from below by 1e-6, which leaves a
// factor.
static inline void NAME(alphaFlow)(
    NAME(Flow) *flow, const REAL *alpha, const NAME(Row) *row, const lumi_soft_parameters *p) {
  FOR_LANES flow->logit[i] = 0;
  if (p->alpha == LUMI_SOFT_PRODUCT) FOR_LANES flow->logit[i] = alpha[i] * row->inside[i];
  if (p->alpha == LUMI_SOFT_PRODUCT && p->gradient == LUMI_SOFT_OFFICIAL)
    FOR_LANES {
      REAL factor = row->outside[i] * (REAL)1e6;
      flow->logit[i] *= factor < 1 ? factor : 1;
    }
  if (p->alpha == LUMI_SOFT_SUM)
    FOR_LANES flow->logit[i] = alpha[i] * row->inside[i] * row->outside[i];
}

// With weight q = D e / sum and C the pixel's colour, dC/dD = e / sum (c - C) and
// dC/dexponent = q (c - C).
static inline void NAME(softColorFlow)(
    NAME(Flow) *flow, const NAME(Evidence) *seen, int at, const NAME(Row) *row,
    const REAL *faceColors, const int32_t *texels, int32_t channels, const NAME(Constants) *c) {
  REAL share[LANES], dot[LANES], color[LANES];
  FOR_LANES {
    dot[i] = 0;
    REAL below = row->shown[i] ? NAME(depthExponent)(row->z[i], c) - seen->exponent[at + i] : 0;
    share[i] = below < 0 ? below : 0;
  }
  NAME(rowExp)(share, row->shown);
  for (int32_t channel = 0; channel < channels; ++channel) {
    const REAL *pixel = seen->color + (size_t)channel * PLANE + at;
    const REAL *gradient = seen->gradient + (size_t)channel * PLANE + at;
    NAME(rowColor)(color, row, faceColors, texels, channels, channel);
    FOR_LANES dot[i] += gradient[i] * (color[i] - pixel[i]);
  }
  FOR_LANES {
    REAL perInside = row->shown[i] ? share[i] * seen->scale[at + i] : 0;
    flow->weight[i] = perInside * row->inside[i];
    flow->z[i] = -flow->weight[i] * dot[i] * c->inverseDepthScale;
    flow->logit[i] += flow->weight[i] * dot[i] * row->outside[i];
  }
}

static inline void NAME(hardColorFlow)(
    NAME(Flow) *flow, const NAME(Evidence) *seen, int at, const NAME(Row) *row, int32_t index) {
  FOR_LANES {
    bool wins = (row->shown[i] != 0) & (seen->nearest[at + i] == index);
    flow->weight[i] = wins ? 1 : 0;
    flow->z[i] = 0;
  }
}

static inline void NAME(sumCornerColors)(
    REAL *sums, const NAME(Flow) *flow, const REAL *gradient, const NAME(Row) *row,
    int32_t channels) {
  for (int32_t channel = 0; channel < channels; ++channel)
    for (int k = 0; k < 3; ++k) {
      REAL *sum = sums + (size_t)(k * channels + channel) * LANES;
      FOR_LANES sum[i] +=
          flow->weight[i] * row->clipped[k][i] * gradient[(size_t)channel * PLANE + (size_t)i];
    }
}

static inline void NAME(sumTexels)(
    REAL *sums, const NAME(Flow) *flow, const REAL *gradient, const int32_t *texels,
    int32_t channels) {
  FOR_LANES {
    REAL *texel = sums + (int64_t)texels[i] * channels;
    for (int32_t channel = 0; channel < channels; ++channel)
      texel[channel] += flow->weight[i] * gradient[(size_t)channel * PLANE + (size_t)i];
  }
}

// Depth by its corners: dz/dz_k = z^2 w_k / z_k^2, ordered so that no factor can overflow.
static inline void NAME(sumDepths)(
    NAME(Sums) *sums, const NAME(Flow) *flow, const NAME(Row) *row, const NAME(Face) *face) {
  for (int k = 0; k < 3; ++k)
    FOR_LANES {
      REAL ratio = row->z[i] * face->triangle.inverseZ[k];
      REAL slope = (ratio * row->clipped[k][i]) * ratio;
      sums->corner[3 * k + 2][i] += row->shown[i] ? flow->z[i] * slope : 0;
    }
}

// The complete gradient: colour and depth by the clipped barycentrics, then through the division
// by their sum and the clamp to the coordinates themselves.
static inline void NAME(clippedFlow)(
    NAME(Flow) *flow, const NAME(Row) *row, const NAME(Face) *face, const REAL *gradient,
    const REAL *faceColors, bool textured, int32_t channels) {
  REAL by[3][LANES], mean[LANES];
  FOR_LANES mean[i] = 0;
  for (int k = 0; k < 3; ++k) {
    FOR_LANES by[k][i] =
        row->shown[i] ? -flow->z[i] * row->z[i] * (row->z[i] * face->triangle.inverseZ[k]) : 0;
    for (int32_t channel = 0; channel < channels && !textured; ++channel) {
      REAL color = faceColors[k * channels + channel];
      FOR_LANES by[k][i] += flow->weight[i] * color * gradient[(size_t)channel * PLANE + (size_t)i];
    }
    FOR_LANES mean[i] += row->clipped[k][i] * by[k][i];
  }
  for (int k = 0; k < 3; ++k)
    FOR_LANES {
      REAL w = row->reach.w[k][i];
      bool free = (w >= 0) & (w <= 1);
      flow->w[k][i] += free ? (by[k][i] - mean[i]) / row->clippedSum[i] : 0;
    }
}

// d(s d^2)/d(corner k) = 2 s closest_k offset.
static inline void NAME(sumEuclidean)(
    NAME(Sums) *sums, const NAME(Flow) *flow, const NAME(Row) *row, const NAME(Constants) *c) {
  REAL alongX[LANES], alongY[LANES];
  FOR_LANES {
    REAL twice = row->reach.square[i] < 0 ? -2 * c->inverseSigma : 2 * c->inverseSigma;
    alongX[i] = twice * flow->logit[i] * row->reach.offsetX[i];
    alongY[i] = twice * flow->logit[i] * row->reach.offsetY[i];
  }
  for (int k = 0; k < 3; ++k)
    FOR_LANES {
      sums->corner[3 * k][i] += alongX[i] * row->reach.closest[k][i];
      sums->corner[3 * k + 1][i] += alongY[i] * row->reach.closest[k][i];
    }
}

static inline void NAME(barycentricFlow)(
    NAME(Flow) *flow, const NAME(Row) *row, const NAME(Constants) *c) {
  for (int k = 0; k < 3; ++k)
    FOR_LANES {
      REAL size = row->reach.w[k][i] < 0 ? -row->reach.w[k][i] : row->reach.w[k][i];
      flow->w[k][i] += flow->logit[i] * row->reach.closest[k][i] * 2 * size * c->inverseSigma;
    }
}

// Barycentric coordinate j by corner k: dw_j/d(x_k, y_k) = -w_k grad w_j.
static inline void NAME(sumBarycentrics)(
    NAME(Sums) *sums, const NAME(Flow) *flow, const NAME(Row) *row, const NAME(Face) *face) {
  FOR_LANES {
    REAL x = 0, y = 0;
    for (int j = 0; j < 3; ++j) {
      x += flow->w[j][i] * face->triangle.slopeX[j];
      y += flow->w[j][i] * face->triangle.slopeY[j];
    }
    for (int k = 0; k < 3; ++k) {
      sums->corner[3 * k][i] -= row->reach.w[k][i] * x;
      sums->corner[3 * k + 1][i] -= row->reach.w[k][i] * y;
    }
  }
}

static inline void NAME(windowColor)(
    NAME(Sums) *sums, NAME(Flow) *flow, const NAME(Evidence) *seen, int at, const NAME(Row) *row,
    const NAME(Face) *face, int32_t index, const REAL *colors, const SoftJob *job,
    const NAME(Constants) *c) {
  const lumi_soft_parameters *p = &job->parameters;
  const REAL *gradient = seen->gradient + at;
  int32_t texels[LANES], *picked = p->texel_resolution > 0 ? texels : NULL;
  if (picked) NAME(rowTexels)(texels, row, p->texel_resolution);
  if (p->color == LUMI_SOFT_SOFTMAX)
    NAME(softColorFlow)(flow, seen, at, row, colors, picked, p->channels, c);
  else
    NAME(hardColorFlow)(flow, seen, at, row, index);
  if (job->colorGradient && picked)
    NAME(sumTexels)(sums->color, flow, gradient, texels, p->channels);
  else if (job->colorGradient)
    NAME(sumCornerColors)(sums->color, flow, gradient, row, p->channels);
  if (p->color == LUMI_SOFT_SOFTMAX) NAME(sumDepths)(sums, flow, row, face);
  if (p->gradient == LUMI_SOFT_COMPLETE)
    NAME(clippedFlow)(flow, row, face, gradient, colors, picked != NULL, p->channels);
}

static inline void NAME(walkWindow)(
    NAME(Sums) *sums, const NAME(Evidence) *seen, int at, NAME(Row) *row,
    const NAME(Face) *face, int32_t index, const REAL *colors, const SoftJob *job,
    const NAME(Constants) *c) {
  const lumi_soft_parameters *p = &job->parameters;
  bool colored = p->color != LUMI_SOFT_SILHOUETTE && face->colored;
  bool rejects = p->gradient == LUMI_SOFT_OFFICIAL && face->depthTested;
  bool coordinates = p->distance == LUMI_SOFT_BARYCENTRIC ||
                     (colored && p->gradient == LUMI_SOFT_COMPLETE);
  NAME(Flow) flow;
  if (coordinates)
    for (int k = 0; k < 3; ++k) FOR_LANES flow.w[k][i] = 0;
  NAME(alphaFlow)(&flow, seen->alpha + at, row, p);
  if (colored || rejects) NAME(rowDepth)(row, face, c);
  if (colored) NAME(windowColor)(sums, &flow, seen, at, row, face, index, colors, job, c);
  if (rejects) FOR_LANES flow.logit[i] = row->shown[i] ? flow.logit[i] : 0;
  if (p->distance == LUMI_SOFT_EUCLIDEAN) NAME(sumEuclidean)(sums, &flow, row, c);
  if (p->distance == LUMI_SOFT_BARYCENTRIC) NAME(barycentricFlow)(&flow, row, c);
  if (coordinates) NAME(sumBarycentrics)(sums, &flow, row, face);
}

static inline REAL NAME(sumLanes)(const REAL *lanes) {
  REAL partial[LANES];
  FOR_LANES partial[i] = lanes[i];
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) partial[i] += partial[i + half];
  return partial[0];
}

// Walks one face over the tile and writes its slot.
static inline void NAME(walkFace)(
    NAME(Sums) *sums, const NAME(Evidence) *seen, const raster_tile *tile, int32_t index,
    const SoftJob *job, const NAME(Constants) *c) {
  const lumi_soft_parameters *p = &job->parameters;
  int64_t faceIndex = tile->view * job->bins.faces + index;
  const NAME(Face) *face = (const NAME(Face) *)job->faces + faceIndex;
  const REAL *colors = (const REAL *)job->colors + soft_color_start(job, tile->view, index);
  REAL *slot = (REAL *)job->slots + raster_slot(&job->bins, tile, index) * (int64_t)job->slotSize;
  raster_box box = raster_clip_box(job->bins.boxes[faceIndex], tile);
  bool textured = p->texel_resolution > 0;
  size_t colorCount = job->slotSize - 9;
  for (int k = 0; k < 9; ++k) FOR_LANES sums->corner[k][i] = 0;
  for (size_t i = 0; i < (textured ? colorCount : colorCount * LANES); ++i) sums->color[i] = 0;
  NAME(Row) row;
  for (int32_t y = box.top; y <= box.bottom; ++y) {
    REAL pixelY = (REAL)raster_pixel_y(&job->bins, y);
    for (int32_t x = box.left; x <= box.right; x += LANES) {
      int column = x - tile->left, at = (y - tile->top) * STRIDE + column;
      if (NAME(rowCoverage)(&row, face, seen->x + column, pixelY, c, p->distance, true))
        NAME(walkWindow)(sums, seen, at, &row, face, index, colors, job, c);
    }
  }
  for (int k = 0; k < 9; ++k) slot[k] = NAME(sumLanes)(sums->corner[k]);
  for (size_t i = 0; i < colorCount; ++i)
    slot[9 + i] = textured ? sums->color[i] : NAME(sumLanes)(sums->color + i * LANES);
}

static void NAME(loadPixel)(NAME(Evidence) *seen, int at, size_t pixel, const SoftJob *job) {
  const lumi_soft_parameters *p = &job->parameters;
  size_t channels = p->color == LUMI_SOFT_SILHOUETTE ? 0 : (size_t)p->channels;
  const REAL *gradient = (const REAL *)job->imageGradient + pixel * (channels + 1);
  const REAL *image = (const REAL *)job->image + pixel * (channels + 1);
  REAL alpha = gradient[channels];
  if (p->alpha == LUMI_SOFT_PRODUCT) alpha *= ((const REAL *)job->saved.transmittance)[pixel];
  if (p->alpha == LUMI_SOFT_SUM) alpha /= (REAL)job->frame.faces;
  seen->alpha[at] = alpha;
  if (!channels) return;
  if (p->color == LUMI_SOFT_SOFTMAX) {
    seen->exponent[at] = ((const REAL *)job->saved.exponent)[pixel];
    seen->scale[at] = 1 / ((const REAL *)job->saved.denominator)[pixel];
  } else {
    seen->nearest[at] = job->saved.nearest_face[pixel];
  }
  for (size_t channel = 0; channel < channels; ++channel) {
    seen->color[channel * PLANE + (size_t)at] = image[channel];
    seen->gradient[channel * PLANE + (size_t)at] = gradient[channel];
  }
}

// Planes of the tile; beyond the image everything is zero, so nothing flows from there.
static bool NAME(createEvidence)(
    NAME(Evidence) *seen, const raster_tile *tile, const SoftJob *job) {
  bool colored = job->parameters.color != LUMI_SOFT_SILHOUETTE;
  size_t channels = colored ? (size_t)job->parameters.channels : 0;
  seen->alpha = calloc((3 + 2 * channels) * PLANE, sizeof(REAL));
  seen->nearest = raster_allocate(PLANE, sizeof(int32_t));
  if (!seen->alpha || !seen->nearest) return false;
  seen->exponent = seen->alpha + PLANE;
  seen->scale = seen->alpha + 2 * PLANE;
  seen->color = seen->alpha + 3 * PLANE;
  seen->gradient = seen->color + channels * PLANE;
  for (int i = 0; i < PLANE; ++i) seen->nearest[i] = -1;
  for (int32_t y = tile->top; y < tile->bottom; ++y)
    for (int32_t x = tile->left; x < tile->right; ++x)
      NAME(loadPixel)(
          seen, (y - tile->top) * STRIDE + x - tile->left, raster_pixel(&job->bins, tile, y, x),
          job);
  for (int i = 0; i < STRIDE; ++i)
    seen->x[i] = (REAL)raster_pixel_x(&job->bins, tile->left + i);
  return true;
}

static void NAME(backwardTile)(void *context, size_t index) {
  SoftJob *job = context;
  raster_tile tile = raster_tile_at(&job->bins, index);
  NAME(Constants) c = NAME(constantsOf)(job);
  NAME(Evidence) seen = {0};
  NAME(Sums) sums;
  sums.color = raster_allocate((job->slotSize - 9) * LANES, sizeof(REAL));
  if (sums.color && NAME(createEvidence)(&seen, &tile, job)) {
    for (int64_t i = job->bins.tile_offsets[index]; i < job->bins.tile_offsets[index + 1]; ++i)
      NAME(walkFace)(&sums, &seen, &tile, job->bins.tile_faces[i], job, &c);
  } else {
    atomic_store(&job->failed, true);
  }
  free(sums.color);
  free(seen.alpha);
  free(seen.nearest);
}

// Adds the slots of one view's face, from index `first` of a slot on, to `count` gradients. A sum
// beyond the type's range becomes zero rather than poison the corner.
static void NAME(addSlots)(
    REAL *gradient, const SoftJob *job, int64_t face, size_t first, size_t count) {
  for (int64_t s = job->bins.face_offsets[face]; s < job->bins.face_offsets[face + 1]; ++s) {
    const REAL *slot = (const REAL *)job->slots + (size_t)s * job->slotSize + first;
    for (size_t i = 0; i < count; ++i) gradient[i] += slot[i];
  }
  for (size_t i = 0; i < count; ++i) gradient[i] = isfinite(gradient[i]) ? gradient[i] : 0;
}

// Reduces a block of faces in every view, in tile order and, for shared colours, view order.
static void NAME(reduceFaces)(void *context, size_t block) {
  SoftJob *job = context;
  int64_t faces = job->bins.faces, views = job->bins.batch;
  int64_t begin = (int64_t)block * FACE_BLOCK;
  int64_t end = begin + FACE_BLOCK < faces ? begin + FACE_BLOCK : faces;
  size_t colorCount = job->slotSize - 9;
  for (int64_t face = begin; face < end; ++face)
    for (int64_t view = 0; view < views; ++view) {
      int64_t index = view * faces + face;
      REAL *corner = (REAL *)job->cornerGradient + 9 * index;
      for (int i = 0; i < 9; ++i) corner[i] = 0;
      NAME(addSlots)(corner, job, index, 0, 9);
      if (!job->colorGradient) continue;
      REAL *color = (REAL *)job->colorGradient + soft_color_start(job, view, (int32_t)face);
      if (view == 0 || !job->parameters.shared_colors)
        for (size_t i = 0; i < colorCount; ++i) color[i] = 0;
      NAME(addSlots)(color, job, index, 9, colorCount);
    }
}

static const SoftKernels NAME(softKernels) = {
    sizeof(NAME(Face)), NAME(setFaces), NAME(forwardTile), NAME(backwardTile), NAME(reduceFaces)};
