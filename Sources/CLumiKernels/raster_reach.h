// Body: how far a triangle is from a window of LANES neighbouring pixels of a row. Loops over lanes
// have no branches, so that the compiler turns each into a few vector instructions.

typedef struct {
  REAL w[3][LANES];     // barycentric coordinates
  REAL square[LANES];   // squared distance, positive inside and negative outside
  MASK active[LANES];   // -1 where the triangle reaches the pixel, else 0
  // Euclidean: the weights of the closest boundary point and its offset from the pixel.
  // Barycentric: closest is one for the smallest coordinate, else zero.
  REAL closest[3][LANES];
  REAL offsetX[LANES], offsetY[LANES];
} NAME(Reach);

// Not a number becomes low.
static inline REAL NAME(clamp)(REAL value, REAL low, REAL high) {
  value = value > low ? value : low;
  return value < high ? value : high;
}

static inline void NAME(findBarycentrics)(
    NAME(Reach) *reach, const NAME(Triangle) *t, const REAL *x, REAL y) {
  FOR_LANES {
    for (int k = 0; k < 3; ++k) {
      int origin = (k + 1) % 3;
      reach->w[k][i] =
          t->slopeX[k] * (x[i] - t->x[origin]) + t->slopeY[k] * (y - t->y[origin]);
    }
  }
}

// Whether the pixel is in the closed triangle.
static inline MASK NAME(contains)(const NAME(Reach) *reach, int i) {
  REAL w0 = reach->w[0][i], w1 = reach->w[1][i], w2 = reach->w[2][i];
  return -(MASK)((w0 >= 0) & (w1 >= 0) & (w2 >= 0) & (w0 <= 1) & (w1 <= 1) & (w2 <= 1));
}

// Squared distance to the boundary; active inside (edges excluded) and nearer than the threshold.
static inline void NAME(findEuclidean)(
    NAME(Reach) *reach, const NAME(Triangle) *t, const REAL *x, REAL y, REAL threshold,
    bool keepClosest) {
  FOR_LANES {
    REAL best = REAL_LARGEST, bestX = 0, bestY = 0;
    REAL weight0 = 0, weight1 = 0, weight2 = 0;
    for (int k = 0; k < 3; ++k) {
      REAL toX = x[i] - t->x[k], toY = y - t->y[k];
      REAL along = (toX * t->edgeX[k] + toY * t->edgeY[k]) * t->inverseSquare[k];
      along = NAME(clamp)(along, 0, 1);
      REAL offX = along * t->edgeX[k] - toX, offY = along * t->edgeY[k] - toY;
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
    REAL w0 = reach->w[0][i], w1 = reach->w[1][i], w2 = reach->w[2][i];
    bool inside = (w0 > 0) & (w1 > 0) & (w2 > 0) & (w0 < 1) & (w1 < 1) & (w2 < 1);
    reach->active[i] = -(MASK)(inside | (best < threshold));
    reach->square[i] = inside ? best : -best;
    if (keepClosest) {
      reach->closest[0][i] = weight0;
      reach->closest[1][i] = weight1;
      reach->closest[2][i] = weight2;
      reach->offsetX[i] = bestX;
      reach->offsetY[i] = bestY;
    }
  }
}

// The smallest barycentric coordinate squared, with its sign; only inside the bounds.
static inline void NAME(findBarycentricDistance)(
    NAME(Reach) *reach, NAME(Bounds) bounds, const REAL *x, REAL y, REAL threshold) {
  FOR_LANES {
    REAL w0 = reach->w[0][i], w1 = reach->w[1][i], w2 = reach->w[2][i];
    REAL least = w1 < w0 ? w1 : w0;
    least = w2 < least ? w2 : least;
    REAL square = least > 0 ? least * least : -least * least;
    bool bounded =
        (x[i] >= bounds.left) & (x[i] <= bounds.right) & (y >= bounds.low) & (y <= bounds.high);
    reach->active[i] = -(MASK)(bounded & (-square < threshold));
    reach->square[i] = square;
    reach->closest[0][i] = w0 == least;
    reach->closest[1][i] = (w1 == least) & (w0 != least);
    reach->closest[2][i] = (w0 != least) & (w1 != least);
  }
}
