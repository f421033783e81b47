"""Exercises of the atlas: multiplications in machine code, the same one in six languages, a softmax by its shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graders.exercise import Exercise, WrongAnswer, require
from graders.six_languages import CPP, FX, HLO, LLVM, STABLEHLO, X86

# --- 1: multiplications in a listing --------------------------------------------------------------------

ROW = [f"vmulps ymm9,ymm8,ymm{number}" for number in range(8)]


def _multiplies(listing: list[str], times: int, expected: int, hint: str) -> Callable[[Any], None]:
    def check(multiplications: Callable[..., int]) -> None:
        found = multiplications(listing, times)
        shown = listing if len(listing) < 3 else [*listing[:2], "..."]
        require(
            found == expected,
            f"for {shown}, run {times} times, it returns {found} instead of {expected}",
            hint,
        )

    return check


COUNT = Exercise(
    name="count-multiplications",
    task="Count the multiplications of floating-point numbers that a listing does when it runs.",
    entry="multiplications",
    starter='''def multiplications(listing, times):
    """listing: x86 instructions, such as "vmulps ymm9,ymm8,ymm0"; times: how often all of them run.

    xmm, ymm and zmm registers have 128, 256 and 512 bits. The last two letters of an operation say what it
    works on: s or p for one number or a packed register of them, s or d for 32 or 64 bits each.
    """
    return sum("mul" in line for line in listing)
''',
    reference="""def multiplications(listing, times):
    total = 0
    for line in listing:
        operation, operands = line.split(None, 1)
        if not operation.startswith(("vmul", "vfmadd", "vfmsub", "vfnm")):
            continue
        bits = {"x": 128, "y": 256, "z": 512}[operands[0]]
        size = 32 if operation.endswith("s") else 64
        total += bits // size if operation[-2] == "p" else 1
    return total * times
""",
    properties={
        "a packed register": _multiplies(
            ["vmulps zmm4,zmm4,zmm5"], 1, 16, "one instruction multiplies every number of its register"
        ),
        "registers of three widths": _multiplies(
            ["vmulps xmm0,xmm1,xmm2", "vmulps ymm0,ymm1,ymm2"],
            1,
            12,
            "the register's name says how wide it is",
        ),
        "a loop": _multiplies(ROW, 8, 512, "what stands once in a loop runs once per trip"),
        "one number": _multiplies(
            ["vmulss xmm0,xmm0,xmm3"], 1, 1, "ss: one number, whatever else would fit into the register"
        ),
        "numbers of 64 bits": _multiplies(["vmulpd ymm0,ymm0,ymm1"], 1, 4, "pd: numbers of 64 bits"),
        "a multiplication with an addition": _multiplies(
            ["vfmadd213ps ymm2,ymm0,ymm1", "vaddps ymm0,ymm0,ymm1"], 1, 8, "a multiply-add multiplies, too"
        ),
    },
    wrong=(
        WrongAnswer(
            "counts instructions",
            "def multiplications(listing, times):\n    return times * sum('mul' in line for line in listing)\n",
            "every number of its register",
        ),
        WrongAnswer(
            "takes every register for the widest",
            "def multiplications(listing, times):\n    return times * sum(16 for line in listing if 'mul' in line)\n",
            "how wide it is",
        ),
        WrongAnswer(
            "forgets the loop",
            "def multiplications(listing, times):\n"
            "    lanes = {'x': 4, 'y': 8, 'z': 16}\n"
            "    return sum(lanes[line.split()[1][0]] for line in listing if 'mul' in line)\n",
            "once per trip",
        ),
        WrongAnswer(
            "fills the register of a single number",
            "def multiplications(listing, times):\n"
            "    lanes = {'x': 4, 'y': 8, 'z': 16}\n"
            "    return times * sum(lanes[line.split()[1][0]] for line in listing if 'mul' in line)\n",
            "one number",
        ),
        WrongAnswer(
            "looks for mul alone",
            "def multiplications(listing, times):\n    total = 0\n"
            "    for line in listing:\n        op, operands = line.split(None, 1)\n"
            "        if 'mul' in op:\n"
            "            bits = {'x': 128, 'y': 256, 'z': 512}[operands[0]]\n"
            "            total += bits // (64 if op[-1] == 'd' else 32) if op[-2] == 'p' else 1\n"
            "    return total * times\n",
            "multiplies, too",
        ),
    ),
)

# --- 2: the same multiplication in six languages --------------------------------------------------------


def _finds(text: str, language: str, name: str, expected: list[int], hint: str) -> Callable[[Any], None]:
    def check(multiplies: Callable[..., list[int]]) -> None:
        found = list(multiplies(text, language, name))
        lines = text.splitlines()
        require(
            found == expected,
            f"in {language} it finds {[lines[n].strip() for n in found]}; {name} is multiplied in "
            f"{[lines[n].strip() for n in expected]}",
            hint,
        )

    return check


SAME = Exercise(
    name="same-multiply",
    task="Find the lines that multiply by the scale g, in a program of any of six languages.",
    entry="multiplies",
    starter='''def multiplies(text, language, name):
    """The numbers, from 0, of the lines that multiply by g or by a copy of it.

    language: "FX", "StableHLO", "HLO", "C++", "LLVM IR" or "x86" (the result is the first operand).
    name: what g is called where it comes in, for example "g", "%arg1", or "rsi" where a register points to it.
    The function is called with a program in each language. Multiplications of numbers count, not of indices.
    """
    return [number for number, line in enumerate(text.splitlines()) if name in line and "mul" in line]
''',
    reference=r"""import re

MULTIPLY = {
    "FX": r"^[^(]* \* ", "StableHLO": r"^stablehlo\.multiply ", "HLO": r" multiply\(",
    "C++": r"^[^(]* \* ", "LLVM IR": r"^fmul ", "x86": r"^vmul",
}


def multiplies(text, language, name):
    copies, found = {name}, []
    for number, line in enumerate(text.splitlines()):
        if language == "x86":
            operation, operands = line.split(None, 1)
            result, used = operands.split(",", 1)
            right = operation
        elif " = " in line:
            left, right = line.split(" = ", 1)
            result, used = left.split()[-1], right
        else:
            continue
        uses = copies & set(re.findall(r"%?[\w.]+", used))
        if uses and re.search(MULTIPLY[language], right):
            found.append(number)
        if uses and not re.search(MULTIPLY[language], right):
            copies.add(result)
        elif result != name:
            copies.discard(result)
    return found
""",
    properties={
        "FX": _finds(FX, "FX", "g", [5], "three multiplications, one of them by g"),
        "StableHLO": _finds(
            STABLEHLO, "StableHLO", "%arg1", [5], "a broadcast of g is still g, and has another name"
        ),
        "HLO": _finds(
            HLO, "HLO", "%g.1", [4], "a name is only a name: what a line does stands right of the equals sign"
        ),
        "C++": _finds(
            CPP, "C++", "in_ptr1", [4], "a product within an address multiplies indices, not numbers"
        ),
        "LLVM IR": _finds(LLVM, "LLVM IR", "%1", [6], "%1 is not %10, nor %13: compare whole names"),
        "x86": _finds(
            X86,
            "x86",
            "rsi",
            [4, 7],
            "a register holds what was last written into it, until it is written again",
        ),
    },
    wrong=(
        WrongAnswer(
            "every multiplication",
            "def multiplies(text, language, name):\n"
            "    return [n for n, l in enumerate(text.splitlines()) if ' * ' in l or 'multiply' in l or 'mul' in l]\n",
            "one of them by g",
        ),
        WrongAnswer(
            "only the first name",
            "import re\n\n\ndef multiplies(text, language, name):\n"
            "    return [n for n, l in enumerate(text.splitlines()) if (' * ' in l or 'multiply' in l)\n"
            "            and name in re.findall(r'%?[\\w.]+', l.split(' = ')[-1])]\n",
            "a broadcast of g is still g",
        ),
        WrongAnswer(
            "believes the names",
            "import re\n\n\ndef multiplies(text, language, name):\n"
            "    copies, found = {name}, []\n"
            "    for n, line in enumerate(text.splitlines()):\n"
            "        if ' = ' in line:\n            left, right = line.split(' = ', 1)\n"
            "            if copies & set(re.findall(r'%?[\\w.]+', right)):\n"
            "                if 'multiply' in line or ' * ' in line:\n                    found.append(n)\n"
            "                else:\n                    copies.add(left.split()[-1])\n"
            "    return found\n",
            "only a name",
        ),
        WrongAnswer(
            "counts the product within an address",
            "import re\n\n\ndef multiplies(text, language, name):\n"
            "    copies, found = {name}, []\n"
            "    for n, line in enumerate(text.splitlines()):\n"
            "        if ' = ' in line:\n            left, right = line.split(' = ', 1)\n"
            "            if copies & set(re.findall(r'%?[\\w.]+', right)):\n"
            "                if ' multiply(' in right or right.startswith('stablehlo.multiply') or ' * ' in right:\n"
            "                    found.append(n)\n"
            "                else:\n                    copies.add(left.split()[-1])\n"
            "    return found\n",
            "multiplies indices",
        ),
        WrongAnswer(
            "finds a name within a longer one",
            "import re\n\n\ndef multiplies(text, language, name):\n"
            "    copies, found = {name}, []\n"
            "    for n, line in enumerate(text.splitlines()):\n"
            "        if ' = ' in line:\n            left, right = line.split(' = ', 1)\n"
            "            if any(copy in right for copy in copies) or name == 'g' and right.endswith(' g'):\n"
            "                if re.search(r' multiply\\(|^stablehlo.multiply|^[^(]* \\* |^fmul', right):\n"
            "                    found.append(n)\n"
            "                else:\n                    copies.add(left.split()[-1])\n"
            "    return found\n",
            "compare whole names",
        ),
        WrongAnswer(
            "never lets go of a register",
            "import re\n\n\ndef multiplies(text, language, name):\n"
            "    copies, found = {name}, []\n"
            "    for n, line in enumerate(text.splitlines()):\n"
            "        if language == 'x86':\n            right, rest = line.split(None, 1)\n"
            "            result, used = rest.split(',', 1)\n"
            "        elif ' = ' in line:\n            left, right = line.split(' = ', 1)\n"
            "            result, used = left.split()[-1], right\n        else:\n            continue\n"
            "        if copies & set(re.findall(r'%?[\\w.]+', used)):\n"
            "            if re.search(r' multiply\\(|^stablehlo.multiply|^[^(]* \\* |^fmul|^vmul', right):\n"
            "                found.append(n)\n            else:\n                copies.add(result)\n"
            "    return found\n",
            "until it is written again",
        ),
    ),
)

# --- 3: a softmax by its shape --------------------------------------------------------------------------

# A program is a list of (result, operation, operands, axis) in order; the last result is the program's.
STABLE = [
    ("m", "max", ("x",), 1),
    ("d", "subtract", ("x", "m"), None),
    ("e", "exp", ("d",), None),
    ("s", "sum", ("e",), 1),
    ("y", "divide", ("e", "s"), None),
]
SCRAMBLED = [
    ("softmax", "exp", ("a",), None),
    ("v7", "sum", ("softmax",), 1),
    ("v8", "divide", ("softmax", "v7"), None),
]
RECIPROCAL = [*STABLE[:4], ("r", "reciprocal", ("s",), None), ("y", "multiply", ("r", "e"), None)]
ANOTHER_SUM = [
    *STABLE[:3],
    ("f", "exp", ("x",), None),
    ("s", "sum", ("f",), 1),
    ("y", "divide", ("e", "s"), None),
]
UPSIDE_DOWN = [*STABLE[:4], ("y", "divide", ("s", "e"), None)]
OTHER_AXIS = [*STABLE[:3], ("s", "sum", ("e",), 0), ("y", "divide", ("e", "s"), None)]
NO_EXP = [("s", "sum", ("x",), 1), ("softmax", "divide", ("x", "s"), None)]
GOES_ON = [*STABLE, ("z", "multiply", ("y", "y"), None)]


def _is(program: list[Any], expected: bool, case: str, hint: str) -> Callable[[Any], None]:
    def check(is_softmax: Callable[..., bool]) -> None:
        found = is_softmax(program, 1)
        require(bool(found) == expected, f"{case}: it says {found}", hint)

    return check


SOFTMAX = Exercise(
    name="still-a-softmax",
    task="Say whether a program computes a softmax along an axis, by what it does and not by its names.",
    entry="is_softmax",
    starter='''def is_softmax(program, axis):
    """program: a list of (result, operation, operands, axis); the last result is the program's.

    Operations: max, sum (along their axis), subtract, divide, multiply, exp, reciprocal. A softmax divides
    exponentials by their own sum; it may subtract a maximum first, which changes rounding and nothing else.
    """
    return any("softmax" in (result, operation) for result, operation, _, _ in program)
''',
    reference="""def is_softmax(program, axis):
    made = {result: (operation, operands, along) for result, operation, operands, along in program}

    def is_sum_of(total, terms):
        return made.get(total) == ("sum", (terms,), axis) and made.get(terms, ("",))[0] == "exp"

    operation, operands, _ = made[program[-1][0]]
    if operation == "divide":
        return is_sum_of(operands[1], operands[0])
    if operation == "multiply":
        for one, other in (operands, operands[::-1]):
            if made.get(one, ("",))[0] == "reciprocal" and is_sum_of(made[one][1][0], other):
                return True
    return False
""",
    properties={
        "a softmax without the word": _is(
            STABLE, True, "exp of x less its maximum, divided by its sum", "no line has to say softmax"
        ),
        "other names, no maximum": _is(
            SCRAMBLED,
            True,
            "exp divided by its sum",
            "the maximum is there for rounding, not for the meaning",
        ),
        "what a compiler made of it": _is(
            RECIPROCAL,
            True,
            "exp times the reciprocal of its sum",
            "a division may have become two operations",
        ),
        "the word alone": _is(
            NO_EXP, False, "x divided by its sum, named softmax", "where is the exponential?"
        ),
        "another sum": _is(
            ANOTHER_SUM,
            False,
            "exp(x - m) divided by the sum of exp(x)",
            "all operations are there, but whose sum is it?",
        ),
        "upside down": _is(
            UPSIDE_DOWN, False, "the sum divided by the exponentials", "which operand is divided?"
        ),
        "along the other axis": _is(OTHER_AXIS, False, "a sum along axis 0", "the sum runs along an axis"),
        "a program that goes on": _is(
            GOES_ON, False, "the square of a softmax", "what counts is what the program returns"
        ),
    },
    wrong=(
        WrongAnswer(
            "looks for exp, max, sum and divide",
            "def is_softmax(program, axis):\n"
            "    return {'exp', 'max', 'sum', 'divide'} <= {operation for _, operation, _, _ in program}\n",
            "not for the meaning",
        ),
        WrongAnswer(
            "looks for exp, sum and divide",
            "def is_softmax(program, axis):\n"
            "    return {'exp', 'sum', 'divide'} <= {operation for _, operation, _, _ in program}\n",
            "two operations",
        ),
        WrongAnswer(
            "does not ask whose sum it is",
            "def is_softmax(program, axis):\n    operations = {operation for _, operation, _, _ in program}\n"
            "    return {'exp', 'sum'} <= operations and bool({'divide', 'reciprocal'} & operations)\n",
            "whose sum",
        ),
        WrongAnswer(
            "does not ask along which axis",
            "def is_softmax(program, axis):\n    made = {r: (op, args) for r, op, args, _ in program}\n"
            "    op, args = made[program[-1][0]]\n"
            "    if op == 'multiply':\n"
            "        inverse = [a for a in args if made[a][0] == 'reciprocal']\n"
            "        if not inverse:\n            return False\n"
            "        args = (next(a for a in args if a not in inverse), made[inverse[0]][1][0])\n"
            "    return made.get(args[1]) == ('sum', (args[0],)) and made.get(args[0], ('',))[0] == 'exp'\n",
            "along an axis",
        ),
    ),
)

EXERCISES = (COUNT, SAME, SOFTMAX)
