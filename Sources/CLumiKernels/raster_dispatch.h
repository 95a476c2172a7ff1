// What the bodies and the tables of their copies (raster_levels.h) are made with.
#ifndef RASTER_DISPATCH_H
#define RASTER_DISPATCH_H

#include "include/lumi_runtime.h"

#if defined(__x86_64__)
#define RASTER_TABLE(f, real) {f##_##real##_base, f##_##real##_avx2, f##_##real##_avx512}
#else
#define RASTER_TABLE(f, real) {f##_##real##_base, f##_##real##_base, f##_##real##_base}
#endif

// For functions over a window of lanes that the compiler would call: their arrays then stay in
// registers.
#define RASTER_INLINE static inline __attribute__((always_inline))

typedef void (*raster_body)(void *context, size_t index);

#endif
