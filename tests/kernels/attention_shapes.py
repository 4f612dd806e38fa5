"""Shapes of attention: lengths around every tile and chunk, odd head sizes, heads that share keys."""

from __future__ import annotations

from collections.abc import Iterator

from armbench.bench.model import Case
from armbench.kernels.attention import case_of

HEAD_DIMS = (1, 3, 17, 64, 80, 128)
SHORT = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40)
LONG = (47, 49, 95, 97, 127, 129, 255, 257, 513, 1100)
GROUPS = ((1, 1), (4, 1), (8, 2), (6, 2))  # query heads, key/value heads


DTYPES = ("f32", "bf16", "int8")


def cases() -> Iterator[Case]:
    for seq in SHORT:
        for head_dim in HEAD_DIMS:
            heads, kv_heads = GROUPS[(seq + head_dim) % len(GROUPS)]
            odd = (seq + head_dim) % 2 == 1
            yield case_of("prefill", heads, kv_heads, seq, head_dim, dtype=DTYPES[odd])
            yield case_of("prefill", heads, kv_heads, seq, head_dim, 2, causal=False, dtype=DTYPES[not odd])
            for dtype in DTYPES:
                yield case_of("decode", heads, kv_heads, seq, head_dim, batch=2, dtype=dtype, paged=odd)
    for seq in LONG:
        for dtype in DTYPES[:2]:
            yield case_of("prefill", 2, 1, seq, 20, dtype=dtype, causal=seq % 4 == 1)
        for dtype in DTYPES:
            yield case_of("decode", 8, 2, seq, 20, dtype=dtype, paged=seq % 4 == 1)
    for group in (3, 5, 7, 9):
        for dtype in DTYPES:
            yield case_of("decode", group, 1, 100, 132, dtype=dtype, paged=group % 4 == 1)
    yield case_of("prefill", 1, 1, 300, 36)
    for dtype in DTYPES:  # more keys than any chunk has
        yield case_of("decode", 1, 1, 4099, 5, dtype=dtype, paged=dtype == "int8")
        yield case_of("decode", 2, 2, 4099, 5, batch=2, dtype=dtype, paged=True)  # whose heads take turns
    for dtype, head_dim in zip(DTYPES, (84, 168, 336), strict=True):  # 48 keys of 16 KB, three pages
        yield case_of("decode", 4, 2, 301, head_dim, batch=2, dtype=dtype, paged=True)
