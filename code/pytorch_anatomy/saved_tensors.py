"""What a training step keeps from its forward pass for its backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch._functorch.config as functorch_config
from torch._dynamo.backends.common import aot_autograd
from torch._functorch._aot_autograd.utils import make_boxed_func
from torch._functorch.partitioners import default_partition, min_cut_rematerialization_partition
from torch._inductor.decomposition import select_decomp_table

_PARTITIONERS = {"all": default_partition, "min-cut": min_cut_rematerialization_partition}
_VIEWS = {"permute", "t", "transpose", "view", "_unsafe_view", "reshape", "detach", "alias", "unsqueeze"}


@dataclass(frozen=True)
class Saved:
    """One array that lives from the forward to the backward pass: the node that makes it, and its bytes."""

    name: str
    operator: str
    shape: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class Partition:
    """A joint graph cut in two, and the gradients of the arguments that the halves computed.

    `saved` leaves out the arguments, which live anyway, and views. The gradients are those of the sum of
    the function's result.
    """

    joint: torch.fx.GraphModule
    forward: torch.fx.GraphModule
    backward: torch.fx.GraphModule
    saved: tuple[Saved, ...]
    gradients: tuple[torch.Tensor, ...]

    @property
    def bytes(self) -> int:
        """The bytes of all arrays that are saved."""
        return sum(each.bytes for each in self.saved)

    @property
    def recomputed(self) -> list[str]:
        """The operators of the forward pass that the backward pass computes once more, views left out."""
        return [operator(node) for node in self._again() if operator(node) not in _VIEWS]

    @property
    def repeated_flops(self) -> int:
        """The floating-point operations of the matrix products that are computed once more."""
        return sum(
            2 * node.meta["val"].numel() * node.all_input_nodes[-1].meta["val"].shape[0]
            for node in self._again()
            if operator(node) in ("mm", "addmm")
        )

    def _again(self) -> list[torch.fx.Node]:
        forward = {node.name for node in self.forward.graph.nodes if node.op == "call_function"}
        return [n for n in self.backward.graph.nodes if n.op == "call_function" and n.name in forward]


def partition(
    function: Callable[..., Any], *arguments: torch.Tensor, keep: str = "min-cut", budget: float = 1.0
) -> Partition:
    """Trace `function` and its gradient, and cut the joint graph in two.

    `keep` is "all", which saves whatever the backward pass reads, or "min-cut". `budget` is the share of
    what min-cut saves that may be saved; below 1 more is computed again. Raises ValueError for another word.
    """
    if keep not in _PARTITIONERS:
        raise ValueError(f"keep={keep!r}: write {' or '.join(map(repr, _PARTITIONERS))}")
    graphs: dict[str, torch.fx.GraphModule] = {}

    def cut(
        joint: torch.fx.GraphModule, inputs: Any, **keywords: Any
    ) -> tuple[torch.fx.GraphModule, torch.fx.GraphModule]:
        graphs["joint"] = joint
        halves: tuple[torch.fx.GraphModule, torch.fx.GraphModule] = _PARTITIONERS[keep](
            joint, inputs, **keywords
        )
        graphs["forward"], graphs["backward"] = halves
        return halves

    def run_as_it_is(graph: torch.fx.GraphModule, _: Any) -> Any:
        return make_boxed_func(graph.forward)

    backend = aot_autograd(
        fw_compiler=run_as_it_is,
        bw_compiler=run_as_it_is,
        partition_fn=cut,
        decompositions=select_decomp_table(),
    )
    torch._dynamo.reset()
    leaves = [each.detach().requires_grad_() for each in arguments]
    with functorch_config.patch(activation_memory_budget=budget):
        torch.compile(function, backend=backend)(*leaves).sum().backward()
    gradients = tuple(leaf.grad for leaf in leaves if leaf.grad is not None)
    return Partition(graphs["joint"], graphs["forward"], graphs["backward"], _saved(graphs), gradients)


def saved_by_autograd(function: Callable[..., Any], *arguments: torch.Tensor) -> int:
    """The bytes that eager autograd keeps for the backward pass, the arguments left out."""
    leaves = [each.detach().requires_grad_() for each in arguments]
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage  # held, so that no other takes its address
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function(*leaves)
    own = {each.untyped_storage().data_ptr() for each in [*leaves, result]}
    return sum(storage.nbytes() for address, storage in kept.items() if address not in own)


def operator(node: torch.fx.Node) -> str:
    """The name of ATen's operator without its overload."""
    name: str = getattr(node.target, "__name__", str(node.target))
    return name.partition(".")[0]


def base(node: torch.fx.Node) -> torch.fx.Node:
    """The node whose memory this one shows: views are followed back."""
    while node.op == "call_function" and operator(node) in _VIEWS:
        node = node.all_input_nodes[0]
    return node


def _saved(graphs: dict[str, torch.fx.GraphModule]) -> tuple[Saved, ...]:
    inputs = {node.name for node in graphs["backward"].graph.nodes if node.op == "placeholder"}
    results: Sequence[Any] = graphs["forward"].graph.output_node().args[0]
    bases = {base(node): None for node in results if isinstance(node, torch.fx.Node) and node.name in inputs}
    return tuple(
        Saved(node.name, operator(node), tuple(value.shape), value.numel() * value.element_size())
        for node in bases
        for value in [node.meta["val"]]
        if node.op != "placeholder" and isinstance(value, torch.Tensor)
    )
