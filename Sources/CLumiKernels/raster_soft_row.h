// Body of raster_soft.c: one face against a window of LANES neighbouring pixels of a row. Loops
// over lanes have no branches, so that the compiler turns each into a few vector instructions.

typedef struct {
  REAL w[3][LANES];        // barycentric coordinates
  REAL logit[LANES];       // signed squared distance / sigma, positive inside
  MASK active[LANES];      // -1 where the face reaches the pixel, else 0
  REAL inside[LANES];      // D, the probability that the face covers the pixel
  REAL outside[LANES];     // 1 - D
  REAL clipped[3][LANES];  // barycentrics clamped to [0, 1] and made to sum to one
  REAL clippedSum[LANES];  // their sum before that
  REAL z[LANES];           // depth
  MASK shown[LANES];       // active, and the depth is inside [near, far]
  // Only for the backward pass. Euclidean: the closest point's weights and its offset from the
  // pixel. Barycentric: closest is one for the smallest coordinate, else zero.
  REAL closest[3][LANES];
  REAL offsetX[LANES], offsetY[LANES];
} NAME(Row);

static inline REAL NAME(clamp)(REAL value, REAL low, REAL high) {
  value = value < low ? low : value;
  return value > high ? high : value;
}

static inline void NAME(rowBarycentrics)(
    NAME(Row) *row, const NAME(Face) *face, const REAL *x, REAL y) {
  FOR_LANES {
    for (int k = 0; k < 3; ++k) {
      int origin = (k + 1) % 3;
      row->w[k][i] = face->slopeX[k] * (x[i] - face->x[origin]) +
                     face->slopeY[k] * (y - face->y[origin]);
    }
  }
}

// Signed squared distance to the boundary; keepClosest also stores where the closest point is.
static inline void NAME(rowEuclidean)(
    NAME(Row) *row, const NAME(Face) *face, const REAL *x, REAL y, const NAME(Constants) *c,
    bool keepClosest) {
  FOR_LANES {
    REAL best = REAL_LARGEST, bestX = 0, bestY = 0;
    REAL weight0 = 0, weight1 = 0, weight2 = 0;
    for (int k = 0; k < 3; ++k) {
      REAL toX = x[i] - face->x[k], toY = y - face->y[k];
      REAL along = (toX * face->edgeX[k] + toY * face->edgeY[k]) * face->inverseSquare[k];
      along = NAME(clamp)(along, 0, 1);
      REAL offX = along * face->edgeX[k] - toX, offY = along * face->edgeY[k] - toY;
      REAL square = offX * offX + offY * offY;
      bool nearer = square < best;
      best = nearer ? square : best;
      bestX = nearer ? offX : bestX;
      bestY = nearer ? offY : bestY;
      REAL rest = 1 - along;
      weight0 = nearer ? (k == 0 ? rest : k == 2 ? along : 0) : weight0;
      weight1 = nearer ? (k == 1 ? rest : k == 0 ? along : 0) : weight1;
      weight2 = nearer ? (k == 2 ? rest : k == 1 ? along : 0) : weight2;
    }
    REAL w0 = row->w[0][i], w1 = row->w[1][i], w2 = row->w[2][i];
    bool inside = (w0 > 0) & (w1 > 0) & (w2 > 0) & (w0 < 1) & (w1 < 1) & (w2 < 1);
    row->active[i] = -(MASK)(inside | (best < c->threshold));
    row->logit[i] = (inside ? best : -best) * c->inverseSigma;
    if (keepClosest) {
      row->closest[0][i] = weight0;
      row->closest[1][i] = weight1;
      row->closest[2][i] = weight2;
      row->offsetX[i] = bestX;
      row->offsetY[i] = bestY;
    }
  }
}

static inline void NAME(rowBarycentricDistance)(
    NAME(Row) *row, const NAME(Face) *face, const REAL *x, REAL y, const NAME(Constants) *c) {
  FOR_LANES {
    REAL w0 = row->w[0][i], w1 = row->w[1][i], w2 = row->w[2][i];
    REAL least = w1 < w0 ? w1 : w0;
    least = w2 < least ? w2 : least;
    REAL square = least > 0 ? least * least : -least * least;
    bool boxed =
        (x[i] >= face->left) & (x[i] <= face->right) & (y >= face->low) & (y <= face->high);
    row->active[i] = -(MASK)(boxed & (-square < c->threshold));
    row->logit[i] = square * c->inverseSigma;
    row->closest[0][i] = w0 == least;
    row->closest[1][i] = (w1 == least) & (w0 != least);
    row->closest[2][i] = (w0 != least) & (w1 != least);
  }
}

// Whether the pixel is in the closed triangle.
static inline MASK NAME(contains)(const NAME(Row) *row, int i) {
  REAL w0 = row->w[0][i], w1 = row->w[1][i], w2 = row->w[2][i];
  return -(MASK)((w0 >= 0) & (w1 >= 0) & (w2 >= 0) & (w0 <= 1) & (w1 <= 1) & (w2 <= 1));
}

// D and 1 - D, each to full relative accuracy.
static inline void NAME(rowSigmoid)(NAME(Row) *row) {
  REAL decay[LANES];
  FOR_LANES decay[i] = row->logit[i] < 0 ? row->logit[i] : -row->logit[i];
  NAME(rowExp)(decay, row->active);
  FOR_LANES {
    REAL larger = 1 / (1 + decay[i]), smaller = decay[i] * larger;
    REAL inside = row->logit[i] < 0 ? smaller : larger;
    REAL outside = row->logit[i] < 0 ? larger : smaller;
    row->inside[i] = row->active[i] ? inside : 0;
    row->outside[i] = row->active[i] ? outside : 1;
  }
}

// Distance, mask and D of the window. Returns whether any pixel is active.
static inline bool NAME(rowCoverage)(
    NAME(Row) *row, const NAME(Face) *face, const REAL *x, REAL y, const NAME(Constants) *c,
    lumi_soft_distance distance, bool keepClosest) {
  NAME(rowBarycentrics)(row, face, x, y);
  if (distance == LUMI_SOFT_EUCLIDEAN) NAME(rowEuclidean)(row, face, x, y, c, keepClosest);
  if (distance == LUMI_SOFT_BARYCENTRIC) NAME(rowBarycentricDistance)(row, face, x, y, c);
  if (distance == LUMI_SOFT_DISTANCE_HARD) {
    FOR_LANES {
      row->active[i] = NAME(contains)(row, i);
      row->inside[i] = row->active[i] ? 1 : 0;
      row->outside[i] = row->active[i] ? 0 : 1;
    }
  }
  MASK any = 0;
  FOR_LANES any |= row->active[i];
  if (any && distance != LUMI_SOFT_DISTANCE_HARD) NAME(rowSigmoid)(row);
  return any != 0;
}

// Clipped barycentrics, the depth they give, and whether it is inside [near, far].
static inline void NAME(rowDepth)(
    NAME(Row) *row, const NAME(Face) *face, const NAME(Constants) *c) {
  FOR_LANES {
    REAL w0 = NAME(clamp)(row->w[0][i], 0, 1);
    REAL w1 = NAME(clamp)(row->w[1][i], 0, 1);
    REAL w2 = NAME(clamp)(row->w[2][i], 0, 1);
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
    REAL z = 1 / (w0 * face->inverseZ[0] + w1 * face->inverseZ[1] + w2 * face->inverseZ[2]);
    row->z[i] = z;
    bool accepted = !face->depthTested | ((z >= c->nearDepth) & (z <= c->farDepth));
    row->shown[i] = row->active[i] & -(MASK)accepted;
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
