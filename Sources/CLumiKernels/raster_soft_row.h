// Body of raster_soft.c: what one face does to a window of LANES pixels.

typedef struct {
  NAME(Reach) reach;
  REAL inside[LANES];      // D, the probability that the face covers the pixel
  REAL outside[LANES];     // 1 - D
  REAL clipped[3][LANES];  // barycentrics clamped to [0, 1] and made to sum to one
  REAL clippedSum[LANES];  // their sum before that
  REAL z[LANES];           // depth
  MASK shown[LANES];       // active, and the depth is inside [near, far]
} NAME(Row);

// D and 1 - D, each to full relative accuracy.
static inline void NAME(rowSigmoid)(NAME(Row) *row, REAL inverseSigma) {
  REAL decay[LANES];
  FOR_LANES {
    REAL logit = row->reach.square[i] * inverseSigma;
    decay[i] = logit < 0 ? logit : -logit;
  }
  NAME(rowExp)(decay, row->reach.active);
  FOR_LANES {
    REAL larger = 1 / (1 + decay[i]), smaller = decay[i] * larger;
    bool negative = row->reach.square[i] < 0;
    row->inside[i] = row->reach.active[i] ? (negative ? smaller : larger) : 0;
    row->outside[i] = row->reach.active[i] ? (negative ? larger : smaller) : 1;
  }
}

static inline void NAME(rowHard)(NAME(Row) *row) {
  FOR_LANES {
    row->reach.active[i] = NAME(contains)(&row->reach, i);
    row->inside[i] = row->reach.active[i] ? 1 : 0;
    row->outside[i] = row->reach.active[i] ? 0 : 1;
  }
}

// Distance, mask and D of the window. Returns whether any pixel is active.
static inline bool NAME(rowCoverage)(
    NAME(Row) *row, const NAME(Face) *face, const REAL *x, REAL y, const NAME(Constants) *c,
    lumi_soft_distance distance, bool keepClosest) {
  NAME(Reach) *reach = &row->reach;
  NAME(findBarycentrics)(reach, &face->triangle, x, y);
  if (distance == LUMI_SOFT_EUCLIDEAN)
    NAME(findEuclidean)(reach, &face->triangle, x, y, c->threshold, keepClosest);
  if (distance == LUMI_SOFT_BARYCENTRIC)
    NAME(findBarycentricDistance)(reach, face->bounds, x, y, c->threshold);
  if (distance == LUMI_SOFT_DISTANCE_HARD) NAME(rowHard)(row);
  MASK any = 0;
  FOR_LANES any |= reach->active[i];
  if (any && distance != LUMI_SOFT_DISTANCE_HARD) NAME(rowSigmoid)(row, c->inverseSigma);
  return any != 0;
}

// Clipped barycentrics, the depth they give, and whether it is inside [near, far].
static inline void NAME(rowDepth)(
    NAME(Row) *row, const NAME(Face) *face, const NAME(Constants) *c) {
  const REAL *inverseZ = face->triangle.inverseZ;
  FOR_LANES {
    REAL w0 = NAME(clamp)(row->reach.w[0][i], 0, 1);
    REAL w1 = NAME(clamp)(row->reach.w[1][i], 0, 1);
    REAL w2 = NAME(clamp)(row->reach.w[2][i], 0, 1);
    REAL sum = w0 + w1 + w2;
    sum = sum > (REAL)1e-5 ? sum : (REAL)1e-5;
    REAL scale = 1 / sum;
    w0 *= scale;
    w1 *= scale;
    w2 *= scale;
    row->clippedSum[i] = sum;
    row->clipped[0][i] = w0;
    row->clipped[1][i] = w1;
    row->clipped[2][i] = w2;
    REAL z = 1 / (w0 * inverseZ[0] + w1 * inverseZ[1] + w2 * inverseZ[2]);
    row->z[i] = z;
    bool accepted = (z <= REAL_LARGEST) &
                    (!face->depthTested | ((z >= c->nearDepth) & (z <= c->farDepth)));
    row->shown[i] = row->reach.active[i] & -(MASK)accepted;
  }
}

// The exponent of a depth in the softmax, relative to that of the near plane: differences of
// exponents keep their accuracy there, and accepted depths never exceed zero.
static inline REAL NAME(depthExponent)(REAL z, const NAME(Constants) *c) {
  return (c->nearDepth - z) * c->inverseDepthScale;
}

// The texel of a face that the clipped barycentrics pick. The slack and the clamp settle pixels on
// the border between texels.
static inline int32_t NAME(texelAt)(const NAME(Row) *row, int lane, int32_t resolution) {
  REAL a = row->clipped[0][lane] * resolution, b = row->clipped[1][lane] * resolution;
  int32_t u = (int32_t)a, v = (int32_t)b;
  u = u < resolution - 1 ? u : resolution - 1;
  v = v < resolution - 1 ? v : resolution - 1;
  if (a + b - u - v <= 1 + (REAL)1e-6) return v * resolution + u;
  return (resolution - 1 - v) * resolution + resolution - 1 - u;
}

// One channel of the face's colour in every lane.
static inline void NAME(rowColor)(
    REAL *color, const NAME(Row) *row, const REAL *faceColors, const int32_t *texels,
    int32_t channels, int32_t channel) {
  if (texels) {
    FOR_LANES color[i] = faceColors[(int64_t)texels[i] * channels + channel];
    return;
  }
  REAL c0 = faceColors[channel], c1 = faceColors[channels + channel];
  REAL c2 = faceColors[2 * channels + channel];
  FOR_LANES color[i] = row->clipped[0][i] * c0 + row->clipped[1][i] * c1 + row->clipped[2][i] * c2;
}

static inline void NAME(rowTexels)(int32_t *texels, const NAME(Row) *row, int32_t resolution) {
  FOR_LANES texels[i] = NAME(texelAt)(row, i, resolution);
}
