// Body: pixel centres, and the pixels of a face inside a tile.

static REAL NAME(pixelX)(const raster_bins *bins, int32_t column) {
  int32_t shorter = bins->width < bins->height ? bins->width : bins->height;
  return (REAL)(2 * column + 1 - bins->width) / (REAL)shorter;
}

static REAL NAME(pixelY)(const raster_bins *bins, int32_t row) {
  int32_t shorter = bins->width < bins->height ? bins->width : bins->height;
  return (REAL)(bins->height - 1 - 2 * row) / (REAL)shorter;
}

// Centres of `count` columns from the tile's first on.
static void NAME(setColumns)(
    REAL *x, int32_t count, const raster_bins *bins, const raster_tile *tile) {
  for (int32_t i = 0; i < count; ++i) x[i] = NAME(pixelX)(bins, tile->left + i);
}
