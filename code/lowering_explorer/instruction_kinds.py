"""Counts the instructions of an assembly text, in all and by kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_OPCODE = {
    "x86": re.compile(
        r"^\s+(?:[0-9a-f]+:\s+)?(?:(?:lock|rep\w*|notrack|bnd) )?([a-z][a-z0-9.]+)(?=\s|$)", re.MULTILINE
    ),
    "ptx": re.compile(r"^\s+(?:@!?%p\d+ +)?([a-z][\w.:]*)", re.MULTILINE),
    "sass": re.compile(r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+ +)?([A-Z][\w.]*)", re.MULTILINE),
    "amdgcn": re.compile(r"^\s+((?:v|s|ds|buffer|global|flat|scratch)_\w+)", re.MULTILINE),
}

# What the opcode of an instruction of each kind matches, from its first letter on.
_KINDS: dict[str, dict[str, str]] = {
    "x86": {
        "float multiply": r"v?mul[ps][sdh]",
        "float multiply-add": r"vf(n?m)(add|sub)\d+[ps][sdh]",
        "float divide": r"v?div[ps][sdh]|v?rcp|v?rsqrt",
        "vector arithmetic": r"vf?n?m?(add|sub|mul|div|max|min|sqrt)\w*p[sdh]\b",
        "call": r"call",
        "branch": r"j[a-z]+",
    },
    "ptx": {
        "matrix multiply": r"wgmma\.mma_async|mma\.|tcgen05\.mma",
        "float multiply": r"mul\.(\w+\.)*f(16|32|64)",
        "float multiply-add": r"fma\.",
        "vector load": r"ld\.(\w+\.)*v[248]\.",
        "vector store": r"st\.(\w+\.)*v[248]\.",
        "asynchronous copy": r"cp\.async\.(?!commit|wait)",
        "shuffle": r"shfl\.",
        "barrier": r"bar\.|barrier\.|mbarrier\.",
    },
    "sass": {
        "matrix multiply": r"[HIDQ]G?MMA|UTC\w*MMA",
        "float multiply": r"[FHD]MUL",
        "float multiply-add": r"[FHD]FMA2?(\.(?!MMA)|$)",
        "vector load": r"LD[GSL]\.(\w+\.)*(64|128)|LDSM|LDTM",
        "vector store": r"ST[GSL]\.(\w+\.)*(64|128)|STSM|STTM",
        "asynchronous copy": r"LDGSTS|UTMALDG|UTMASTG|UBLKCP",
        "shuffle": r"SHFL",
        "barrier": r"BAR|SYNCS",
    },
    "amdgcn": {
        "matrix multiply": r"v_mfma|v_wmma",
        "float multiply": r"v_(pk_)?mul_f",
        "float multiply-add": r"v_(pk_)?(fma|fmac|mad|mac)_f",
        "vector load": r"(global|buffer|flat)_load_dwordx[234]|ds_read(2|_b64|_b128)",
        "vector store": r"(global|buffer|flat)_store_dwordx[234]|ds_write(2|_b64|_b128)",
        "asynchronous copy": r"(global|buffer)_load_lds",
        "shuffle": r"ds_bpermute|ds_permute|ds_swizzle|v_\w+_dpp",
        "barrier": r"s_barrier",
    },
}
_PADDING = {"NOP", "nop", "nopw", "nopl", "data16", "cs"}  # the last two stand in front of a nop
_REGISTER_BITS = {"zmm": 512, "ymm": 256, "xmm": 128}


def opcodes(language: str, text: str) -> list[str]:
    """The name of each instruction in the text's order, without padding; language is a key of the table."""
    return [opcode for opcode in _OPCODE[language].findall(text) if opcode not in _PADDING]


def instructions(language: str, text: str) -> Mapping[str, int]:
    """The number of instructions in all, and of each kind that occurs; language is a key of the table."""
    found = opcodes(language, text)
    kinds = Counter({"instructions": len(found)})
    for kind, pattern in _KINDS[language].items():
        kinds[kind] = sum(1 for opcode in found if re.match(pattern, opcode))
    if language == "x86":
        kinds["widest vector register in bits"] = max(
            (bits for name, bits in _REGISTER_BITS.items() if re.search(rf"\b{name}\d", text)), default=0
        )
    return {kind: number for kind, number in kinds.items() if number}
