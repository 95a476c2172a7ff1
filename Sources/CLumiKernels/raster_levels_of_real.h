// Part of raster_levels.h: one real type, every level of this processor.
#define LEVEL_NAME base
#include RASTER_BODY
#undef LEVEL_NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define LEVEL_NAME avx2
#include RASTER_BODY
#undef LEVEL_NAME
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define LEVEL_NAME avx512
#include RASTER_BODY
#undef LEVEL_NAME
#pragma clang attribute pop
#endif
