"""The card, the counters and fresh processes on this machine: orders of magnitude, never exact times."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from measurement import (
    ALLOCATOR,
    MachineCard,
    attainable,
    instructions,
    measure_machine,
    page_faults,
    run_fresh,
    single_threaded,
)
from measurement.card import array_sizes
from measurement.environment import FreshProcessFailed, threads_of_this_process


@pytest.fixture(scope="module")
def card() -> MachineCard:
    return measure_machine()


def test_the_card_orders_the_levels(card: MachineCard) -> None:
    assert 1 < card.peak < 10_000
    assert card.read["L1"] > card.read["memory"] > 0.1
    assert card.copy["L1"] > card.copy["memory"] > 0.1
    assert 0.5 < card.ridge < 1000


def test_the_card_survives_json(card: MachineCard) -> None:
    assert MachineCard.from_json(card.to_json()) == card


def test_the_card_prints_flags_threads_and_machine(card: MachineCard) -> None:
    text = str(card)
    assert "-O3" in text
    assert "one thread" in text
    assert "memory" in text
    assert "cores" in text


def test_no_compiler_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(RuntimeError) as refusal:
        measure_machine()
    assert str(refusal.value) == (
        "the machine card needs a C compiler; on Debian or Ubuntu: sudo apt-get install gcc"
    )


def test_arrays_fit_their_level() -> None:
    sizes = array_sizes({"L1": 32 << 10, "L2": 1 << 20, "L3": 480 << 20})
    assert sizes == {"L1": 16 << 10, "L2": 512 << 10, "L3": 8 << 20, "memory": 1 << 30}


def test_the_roofline_has_two_sides() -> None:
    assert attainable(1, peak=100, bandwidth=20) == 20
    assert attainable(5, peak=100, bandwidth=20) == 100
    assert attainable(50, peak=100, bandwidth=20) == 100
    with pytest.raises(ValueError, match="intensity, peak and bandwidth must be positive"):
        attainable(0, 100, 20)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_a_fresh_large_array_faults_once_per_page() -> None:
    size = 64 << 20
    kept = np.ones(size, dtype=np.uint8)
    pages = size // os.sysconf("SC_PAGE_SIZE")
    assert page_faults(lambda: kept.fill(2)) < pages / 10
    fresh = page_faults(lambda: np.ones(size, dtype=np.uint8))
    huge = pages / 512  # the kernel may back the array with huge pages
    assert fresh > huge / 2


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_the_allocator_settings_keep_pages_in_the_process() -> None:
    program = """
import json, numpy as np
from measurement import page_faults
make = lambda: np.ones(64 << 20, dtype=np.uint8)
make()
print(json.dumps(page_faults(make)))
"""
    assert run_fresh(program, ALLOCATOR) < run_fresh(program, {}) / 5


def test_instructions_are_counted_by_mnemonic() -> None:
    listing = """
0000000000001100 <f>:
    1100:	62 f1 7c 48 58 07    	vaddps (%rdi),%zmm0,%zmm0
    1106:	48 83 c7 40          	add    $0x40,%rdi
    110a:	75 f4                	jne    1100 <f>
    110c:	c3                   	ret
"""
    assert instructions(listing) == {"vaddps": 1, "add": 1, "jne": 1, "ret": 1}
    assert instructions("  10:\tvmulps zmm0, zmm1, zmm2\n  18:\tret\n") == {"vmulps": 1, "ret": 1}


def test_every_runtime_obeys_its_switch() -> None:
    program = """
import json, torch
print(json.dumps(torch.get_num_threads()))
"""
    assert run_fresh(program, single_threaded()) == 1
    assert run_fresh(program, single_threaded(2)) == 2


def test_xla_takes_its_pool_from_nproc() -> None:
    program = """
import json, os, jax, jax.numpy as jnp
jax.jit(lambda x: x @ x)(jnp.ones((512, 512))).block_until_ready()
names = [open(f'/proc/self/task/{task}/comm').read().strip() for task in os.listdir('/proc/self/task')]
print(json.dumps(sum('XLAEigen' in name for name in names)))
"""
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    one, three = (run_fresh(program, {"NPROC": count}) for count in ("1", "3"))
    assert (one, three) == (1, 3)


def test_the_record_says_who_set_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    for switch in single_threaded():
        monkeypatch.delenv(switch, raising=False)
    assert threads_of_this_process() == "threads: each runtime's own default"
    for switch in single_threaded():
        monkeypatch.setenv(switch, "1")
    assert threads_of_this_process().startswith("threads: 1, by OMP_NUM_THREADS")
    monkeypatch.setenv("NPROC", "2")
    assert "NPROC=2" in threads_of_this_process()


def test_a_failing_program_is_reported() -> None:
    with pytest.raises(FreshProcessFailed, match=r"(?s)the program failed: .*ZeroDivisionError"):
        run_fresh("1 / 0", {})
    with pytest.raises(FreshProcessFailed, match=r"the program was still running after 0\.5 s"):
        run_fresh("while True: pass", {}, time_limit=0.5)


def test_importing_measurement_loads_no_framework() -> None:
    probe = "import sys, measurement; print({'jax', 'torch', 'tvm', 'sphinx'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True).stdout == "set()\n"
