// Body of raster_soft.c: exponentials over LANES, and the constants of a call in the real type.

typedef struct {
  REAL threshold;          // squared influence radius
  REAL inverseSigma;
  REAL nearDepth, farDepth;
  REAL inverseDepthScale;  // 1 / (gamma (far - near))
  REAL background;         // exponent of the background, relative to the near plane
} NAME(Constants);

static NAME(Constants) NAME(constantsOf)(const SoftJob *job) {
  const lumi_soft_parameters *p = &job->parameters;
  return (NAME(Constants)){
      .threshold = (REAL)job->threshold,
      .inverseSigma = (REAL)(1 / p->sigma),
      .nearDepth = (REAL)p->near_depth,
      .farDepth = (REAL)p->far_depth,
      .inverseDepthScale = (REAL)(1 / (p->gamma * (p->far_depth - p->near_depth))),
      .background = (REAL)(p->background_exponent - 1 / p->gamma),
  };
}

#ifdef REAL_IS_FLOAT
// exp for x <= 0, at most 1.1 ulp off down to -87, and 0 below (which is under the smallest normal
// number). exp(x) = 2^n exp(r) with |r| <= ln(2) / 2; ln(2) is split in two so that r is exact to
// rounding, and exp(r) is its Taylor polynomial of degree 7, whose remainder is 5e-9.
static inline float NAME(exponential)(float x) {
  float clamped = x < -87.0f ? -87.0f : x;
  float shifted = clamped * 1.44269504f + 12582912.0f;  // 1.5 * 2^23 rounds to an integer
  float n = shifted - 12582912.0f;
  float r = (clamped - n * 0.693145752f) - n * 1.42860677e-6f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r * r + r + 1;
  int32_t bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits = (int32_t)(((uint32_t)bits + 127u) << 23);  // the low bits of shifted hold n
  float scale;
  __builtin_memcpy(&scale, &bits, sizeof scale);
  return x < -87.0f ? 0 : p * scale;
}
#endif

// Replaces active values by their exponentials; others become anything finite.
static inline void NAME(rowExp)(REAL *values, const MASK *active) {
#ifdef REAL_IS_FLOAT
  (void)active;
  FOR_LANES values[i] = NAME(exponential)(values[i]);
#else
  FOR_LANES values[i] = active[i] ? exp(values[i]) : 0;
#endif
}
