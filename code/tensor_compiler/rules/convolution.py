"""Direct convolution: a tile of pixels by output channels in registers, the weights packed by channel.

Zhang, Franchetti and Low, High Performance Zero-Memory Overhead Direct Convolutions, 2018.
"""

from __future__ import annotations

from ..expression import Variable
from ..schedule import Schedule
from ..target import Target
from ..traversal import loads
from .matmul import register_tile
from .nest import attempt, length, nests, straight


def convolution(schedule: Schedule, target: Target) -> None:
    """The rule for `y[.., c, h, w] += x[.., d, h + r, w + s] * weights[c, d, r, s]`, after padding."""
    *before, product = nests(schedule)
    channel, height, width = product.loops[-3:]
    pixels, channels = register_tile(target, length(schedule, width), length(schedule, channel))
    w_o, w_i = schedule.split(width, pixels)
    c_o, c_i = schedule.split(channel, channels)
    schedule.reorder(height, c_o, w_o, w_i, c_i)
    at = list(product.update.indices).index(Variable(channel))
    order = sorted(range(len(product.update.indices)), key=lambda dimension: dimension == at)
    schedule.cache_write(product.buffer.name, w_o, "registers", order)
    schedule.decompose_reduction(product.reduced[0], w_i)
    schedule.reorder(*product.reduced, w_i, c_i)
    weights = next(load for load in loads(product.update.value) if Variable(channel) in load.indices)
    blocks = [(weights.indices.index(Variable(channel)), channels)]
    schedule.vectorize(schedule.cache_read(weights.buffer.name, None, blocks=blocks)[-1])
    straight(schedule, w_o, *product.reduced[:-1])
    for nest in before:
        attempt(schedule.vectorize, nest.loops[-1])
        attempt(schedule.parallel, nest.loops[0])
    attempt(schedule.parallel, height)
