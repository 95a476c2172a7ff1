// OpenBLAS, loaded at run time so that its kernels can be chosen first.
#ifndef COPENBLAS_H
#define COPENBLAS_H
#endif
