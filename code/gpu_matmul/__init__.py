"""One matrix product for GPUs, in Triton and, rung by rung, in Gluon: c = a @ b, float16 in and out.

Every rung compiles without a GPU (`rungs.RUNGS`), runs on one with PyTorch's tensors (`Rung.launch`), and
goes through `gluon_simulator`, which executes its own source on a model of the barriers.
"""
