"""The functions that an expression may call, lane by lane; `meaning` says what each is.

Every argument and the result have one floating dtype, f32 or f64.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Intrinsic:
    """`accuracy` is that of the C for f32."""

    name: str
    arity: int
    accuracy: str


INTRINSICS = {
    entry.name: entry for entry in (
        Intrinsic("exp", 1, "2 ulp; below 2**-126 it may give 0"),
        Intrinsic("tanh", 1, "4 ulp"),
        Intrinsic("sigmoid", 1, "4 ulp"),
        Intrinsic("gelu", 1, "1e-6 relative, 1e-7 absolute"),
        Intrinsic("sqrt", 1, "0.5 ulp"),
        Intrinsic("rsqrt", 1, "2 ulp"),
        Intrinsic("abs", 1, "exact"),
        Intrinsic("fma", 3, "0.5 ulp"),
    )
}  # fmt: skip
