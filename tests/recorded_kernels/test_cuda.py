"""What of the GPU's side can be told without one: its refusals, and the order of what a clock does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from measurement.record import NoDevice
from recorded_kernels import find_gpu
from recorded_kernels.cuda import PROBED, SAMPLES, SIDE, CudaDevice


def test_without_a_gpu_the_refusal_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoDevice) as refusal:
        find_gpu()
    assert str(refusal.value) == (
        f"PyTorch {torch.__version__} sees no GPU; run this on a machine with an NVIDIA GPU, its driver "
        "and the CUDA build of PyTorch"
    )
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    with pytest.raises(
        NoDevice, match=r"^TRITON_INTERPRET is set, under which Triton compiles nothing; unset"
    ):
        find_gpu()


class RecordedTorch:
    """The part of PyTorch that the device calls, which writes down the calls; events are 2 ms apart."""

    uint8 = float32 = float16 = bfloat16 = "dtype"
    version = SimpleNamespace(cuda="13.0")

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.cuda = SimpleNamespace(
            Event=self.event, synchronize=self.noted("synchronise"), get_device_name=lambda: "A GPU"
        )

    def noted(self, name: str) -> Any:
        return lambda *arguments, **_: self.calls.append(name)

    def event(self, enable_timing: bool) -> Any:
        assert enable_timing
        return SimpleNamespace(
            record=self.noted("record"), synchronize=self.noted("wait"), elapsed_time=lambda end: 2.0
        )

    def empty(self, *_: Any, **__: Any) -> Any:
        array = SimpleNamespace(zero_=self.noted("flush"), copy_=self.noted("copy"))
        array.to = lambda dtype: array
        return array

    randn = empty
    empty_like = empty

    def set_float32_matmul_precision(self, precision: str) -> None:
        self.calls.append(precision)

    def matmul(self, a: Any, b: Any, out: Any) -> None:
        self.calls.append("product")


def test_a_call_of_pytorch_is_timed_between_events_after_a_flush() -> None:
    recorded = RecordedTorch()
    device = CudaDevice(recorded)
    seconds = device.stopwatch("torch").time(lambda: recorded.calls.append("work"))
    assert seconds == pytest.approx(2e-3)
    assert recorded.calls == ["flush", "record", "work", "record", "wait"]


def test_a_call_of_jax_is_timed_on_the_wall_once_the_flush_is_done() -> None:
    recorded = RecordedTorch()
    device = CudaDevice(recorded)
    assert device.stopwatch("jax").time(lambda: recorded.calls.append("work")) > 0
    assert recorded.calls == ["flush", "synchronise", "work"]


def test_the_peaks_are_those_of_large_copies_and_products() -> None:
    recorded = RecordedTorch()
    peaks = CudaDevice(recorded).peaks()
    assert peaks.bandwidth == pytest.approx(2 * PROBED / 2e-3 / 1e9)
    assert set(peaks.arithmetic) == {"float32", "tfloat32", "float16", "bfloat16"}
    assert list(peaks.arithmetic.values()) == [pytest.approx(2 * SIDE**3 / 2e-3 / 1e9)] * 4
    assert recorded.calls.count("copy") == SAMPLES + 1
    assert recorded.calls.count("product") == 4 * (SAMPLES + 1)
    precisions = [call for call in recorded.calls if call in ("highest", "high")]
    assert precisions == ["highest", "high", "highest", "highest", "highest"]  # and float32 is left exact


def test_the_driver_is_what_nvidia_smi_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = CudaDevice(RecordedTorch())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert device.driver == "unknown, without nvidia-smi"
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 580.65.06\necho 580.65.06\n")  # of a machine with two GPUs
    program.chmod(0o755)
    assert device.driver == "580.65.06"
    program.write_text("#!/bin/sh\necho No devices were found\nexit 6\n")
    assert device.driver == "unknown, nvidia-smi failed"
    assert (device.name, device.toolkit) == ("A GPU", "CUDA 13.0")
