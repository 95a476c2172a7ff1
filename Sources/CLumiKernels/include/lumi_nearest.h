// Nearest points and points within a radius, exactly, through a tree of boxes with eight children a
// node and eight points a leaf.
//
// Squared distances are (x^2 + y^2) + z^2 in double without fused products: the same bits at every
// level, and a box is never farther than a point in it.
#ifndef LUMI_NEAREST_H
#define LUMI_NEAREST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { LUMI_TREE_WIDTH = 8, LUMI_TREE_LEVELS = 12 };

typedef struct {
  const double *places;   // [number of points][3]
  const double *points;   // [leaves][3][8]: the same in the leaves; infinity where there is none
  const int32_t *items;   // [leaves][8]: the points' numbers
  // Low x y z, then high x y z of a node's eight children. Level 0 holds the leaves' boxes; the
  // children of node i of another level are the nodes 8 i to 8 i + 7 of the level before it. An
  // empty box is [infinity, -infinity].
  const double *boxes;    // [nodes][6][8]
  int64_t starts[LUMI_TREE_LEVELS];  // the first node of every level; the last level has one
  int32_t levels;         // 0 for a tree without points
} lumi_point_tree;

// The `count` points nearest to each of `queries` [rows][3], nearest first, of equally near ones the
// lower number first. What cannot be filled stays as it was, and so do rows that are not finite.
// Fast where queries follow each other that are near to each other.
// Query number i is at queries[3 i]; only numbers from `first` to `last` (exclusive) of `order` are
// answered, or those numbers themselves where it is NULL.
void lumi_nearest_points(const lumi_point_tree *tree, const double *queries, const int32_t *order,
                         size_t first, size_t last, size_t count, int32_t *indices,
                         double *squared);

// How many points lie within a squared distance, that distance included.
void lumi_count_within(const lumi_point_tree *tree, const double *queries, size_t first, size_t last,
                       double squared_radius, int64_t *counts);

// The points that lumi_count_within counted, in no particular order, from offsets[row] on.
void lumi_points_within(const lumi_point_tree *tree, const double *queries, size_t first,
                        size_t last, double squared_radius, const int64_t *offsets,
                        int32_t *indices, double *squared);

// How many points lie within a distance of a ray and ahead of its origin. Ray number i has its origin
// at rays[6 i] and its direction, of any length, behind it. A point p lies at t = (p - o).d / d.d along
// the ray; it counts if t > 0 and |p - o - t d|^2 is at most the squared radius. `margin` is what
// rounding may be: boxes are taken larger by the radius and that, so that no point is lost.
void lumi_count_along(const lumi_point_tree *tree, const double *rays, size_t first, size_t last,
                      double squared_radius, double margin, int64_t *counts);

// The points that lumi_count_along counted, in no particular order, from offsets[row] on.
void lumi_points_along(const lumi_point_tree *tree, const double *rays, size_t first, size_t last,
                       double squared_radius, double margin, const int64_t *offsets,
                       int32_t *indices);

#ifdef __cplusplus
}
#endif

#endif
