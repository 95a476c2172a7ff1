// Compiles RASTER_BODY once per vector level, and per real type where RASTER_REALS is defined.
// A body names its functions NAME(f); RASTER_TABLE(f) lists the copies for the dispatcher.
//
// Deliberately without a guard: a source file includes it once per body.
#define RASTER_GLUE_(a, b, c) a##_##b##_##c
#define RASTER_GLUE(a, b, c) RASTER_GLUE_(a, b, c)
#define NAME(f) RASTER_GLUE(f, REAL_NAME, LEVEL_NAME)

#define REAL double
#define MASK int64_t
#define REAL_NAME f64
#include "raster_levels_of_real.h"
#undef REAL
#undef MASK
#undef REAL_NAME

#ifdef RASTER_REALS
#define REAL_IS_FLOAT 1
#define REAL float
#define MASK int32_t
#define REAL_NAME f32
#include "raster_levels_of_real.h"
#undef REAL
#undef MASK
#undef REAL_NAME
#undef REAL_IS_FLOAT
#endif
