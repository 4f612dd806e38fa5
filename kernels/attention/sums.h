/* Tiles of variables that macros name, for vectors that form no arrays. */
#ifndef ARMBENCH_ATTENTION_SUMS_H
#define ARMBENCH_ATTENTION_SUMS_H

/* X(j) for j < n; X(i, j) for i < 2 or i < 4, j < n. */
#define EACH_1(X) X(0)
#define EACH_2(X) EACH_1(X) X(1)
#define EACH_3(X) EACH_2(X) X(2)
#define EACH_4(X) EACH_3(X) X(3)
#define EACH_5(X) EACH_4(X) X(4)
#define EACH_6(X) EACH_5(X) X(5)
#define FOUR_BY_1(X) X(0, 0) X(1, 0) X(2, 0) X(3, 0)
#define FOUR_BY_2(X) FOUR_BY_1(X) X(0, 1) X(1, 1) X(2, 1) X(3, 1)
#define FOUR_BY_3(X) FOUR_BY_2(X) X(0, 2) X(1, 2) X(2, 2) X(3, 2)
#define FOUR_BY_4(X) FOUR_BY_3(X) X(0, 3) X(1, 3) X(2, 3) X(3, 3)
#define FOUR_BY_5(X) FOUR_BY_4(X) X(0, 4) X(1, 4) X(2, 4) X(3, 4)
#define FOUR_BY_6(X) FOUR_BY_5(X) X(0, 5) X(1, 5) X(2, 5) X(3, 5)
#define TWO_BY_1(X) X(0, 0) X(1, 0)
#define TWO_BY_2(X) TWO_BY_1(X) X(0, 1) X(1, 1)
#define TWO_BY_3(X) TWO_BY_2(X) X(0, 2) X(1, 2)
#define TWO_BY_4(X) TWO_BY_3(X) X(0, 3) X(1, 3)

#endif
