// Tables of the copies that raster_levels.h compiles.
#ifndef RASTER_DISPATCH_H
#define RASTER_DISPATCH_H

#include "include/lumi_runtime.h"

#if defined(__x86_64__)
#define RASTER_TABLE(f, real) {f##_##real##_base, f##_##real##_avx2, f##_##real##_avx512}
#else
#define RASTER_TABLE(f, real) {f##_##real##_base, f##_##real##_base, f##_##real##_base}
#endif

typedef void (*raster_body)(void *context, size_t index);

#endif
