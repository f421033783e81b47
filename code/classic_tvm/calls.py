"""The calls, as data. Only `trial` runs them.

Read: d2l-tvm at commit ad823dc (June 2022) and mlc-en at commit 0795085 (December 2025), for which calls
their pages make; the repository of Apache TVM, for the release whose tag is the first to hold a change and
for the pull request that made it.
"""

from __future__ import annotations

from dataclasses import dataclass

D2L, MLC, BOTH, ELSEWHERE = "tvm.d2l.ai", "mlc.ai", "tvm.d2l.ai, mlc.ai", "other texts"


@dataclass(frozen=True)
class ClassicCall:
    """A call as older texts make it, and what does its work.

    `classic` and `now` are statements that may use the names of `trial.SHARED` and `trial.OWN`; `proof` is
    an expression over what `now` left, true if it did the work. `since` is the first release without the
    classic call, or in which it warns or does nothing; `change` is the pull request, 0 where none is known.
    """

    topic: str
    classic: str
    now: str
    proof: str
    since: str
    change: int
    texts: str
    fate: str = "gone"  # or "warns", or "stays": it runs, but nothing takes what it gives


PACKAGE = "Names of modules"
TENSORS = "Arrays and devices"
EXPRESSIONS = "Tensor expressions and their schedules"
SCHEDULES = "TensorIR and its schedules"
BUILDING = "Targets, building, running"
RELAX = "Relax"
TOPICS = (PACKAGE, TENSORS, EXPRESSIONS, SCHEDULES, BUILDING, RELAX)

CALLS = (
    ClassicCall(
        PACKAGE,
        "from tvm import relay",
        "from tvm.relax.frontend.torch import from_exported_program",
        "callable(from_exported_program)",
        "0.20",
        17656,
        D2L,
    ),
    ClassicCall(
        PACKAGE,
        "from tvm.contrib import graph_executor",
        "executor = relax.VirtualMachine(executable, tvm.cpu())",
        "executor['main'](t).numpy().tolist() == [2, 2, 2]",
        "0.20",
        17656,
        D2L,
    ),
    ClassicCall(
        PACKAGE,
        "from tvm import autotvm",
        "from tvm.s_tir import meta_schedule as ms",
        "callable(ms.tune_tir)",
        "0.20",
        17656,
        ELSEWHERE,
    ),
    ClassicCall(
        PACKAGE,
        "from tvm import auto_scheduler",
        "from tvm.s_tir import meta_schedule as ms",
        "callable(ms.relax_integration.tune_relax)",
        "0.20",
        17656,
        ELSEWHERE,
    ),
    ClassicCall(
        PACKAGE,
        "from tvm import meta_schedule as ms",
        "from tvm.s_tir import meta_schedule as ms",
        "callable(ms.tir_integration.compile_tir)",
        "0.24",
        18735,
        MLC,
    ),
    ClassicCall(
        PACKAGE,
        "from tvm import dlight",
        "from tvm.s_tir import dlight",
        "callable(dlight.ApplyDefaultSchedule)",
        "0.24",
        18734,
        ELSEWHERE,
    ),
    ClassicCall(
        PACKAGE,
        "from tvm.script import tir as T",
        "from tvm.script import tirx as T",
        "callable(T.prim_func)",
        "0.24",
        18913,
        MLC,
    ),
    ClassicCall(
        PACKAGE,
        "one = tvm.tir.const(1, 'float32')",
        "one = tvm.tirx.const(1, 'float32')",
        "one.value == 1",
        "0.24",
        18913,
        D2L,
    ),
    ClassicCall(
        PACKAGE,
        "from tvm.contrib import utils",
        "from tvm.support import utils",
        "callable(utils.tempdir)",
        "0.25",
        19624,
        MLC,
    ),
    ClassicCall(
        PACKAGE,
        "analyzer = tvm.arith.Analyzer()",
        "analyzer = tvm.sym.Analyzer()",
        "int(analyzer.simplify(n - n)) == 0",
        "0.27",
        0,
        ELSEWHERE,
    ),
    ClassicCall(
        TENSORS,
        "x = tvm.nd.array(a)",
        "x = tvm.runtime.tensor(a)",
        "x.numpy().tolist() == a.tolist()",
        "0.22",
        18275,
        D2L,
    ),
    ClassicCall(
        TENSORS,
        "x = tvm.nd.empty((3,), 'float32')",
        "x = tvm.runtime.empty((3,), 'float32')",
        "x.numpy().shape == (3,)",
        "0.22",
        18275,
        ELSEWHERE,
    ),
    ClassicCall(
        TENSORS,
        "values = t.asnumpy()",
        "values = t.numpy()",
        "values.tolist() == a.tolist()",
        "0.21",
        17920,
        D2L,
    ),
    ClassicCall(
        TENSORS,
        "device = tvm.context('llvm', 0)",
        "device = tvm.device('cpu', 0)",
        "device == tvm.cpu()",
        "0.8",
        7721,
        D2L,
    ),
    ClassicCall(
        EXPRESSIONS,
        "s = te.create_schedule(C.op)",
        "sch = tvm.s_tir.Schedule(te.create_prim_func([A, B, C]))",
        "len(sch.get_loops(sch.get_sblock('C'))) == 1",
        "0.20",
        17658,
        D2L,
    ),
    ClassicCall(
        EXPRESSIONS,
        "te.create_schedule(C.op)[C].split(C.op.axis[0], factor=4)",
        "outer, inner = sch.split(loop, [None, 4])",
        "[int(sch.get(each).extent) for each in (outer, inner)] == [2, 4]",
        "0.20",
        17658,
        D2L,
    ),
    ClassicCall(
        EXPRESSIONS,
        "print(tvm.lower(mod, simple_mode=True))",
        "text = te.create_prim_func([A, B, C]).script()",
        "'A[v_i] + B[v_i]' in text",
        "0.20",
        17665,
        D2L,
    ),
    ClassicCall(
        EXPRESSIONS,
        "block = te.thread_axis('blockIdx.x')",
        "sch.bind(loop, 'blockIdx.x')",
        "'T.thread_binding(8, thread=\"blockIdx.x\")' in sch.mod.script()",
        "0.20",
        17658,
        D2L,
        fate="stays",
    ),
    ClassicCall(
        EXPRESSIONS,
        "rows = te.size_var('rows')",
        "rows = te.var('rows')",
        "rows.name == 'rows'",
        "0.26",
        19930,
        ELSEWHERE,
    ),
    ClassicCall(
        SCHEDULES,
        "other = tvm.tir.Schedule(mod)",
        "other = tvm.s_tir.Schedule(mod)",
        "tvm_ffi.structural_equal(other.mod, mod)",
        "0.24",
        18728,
        MLC,
    ),
    ClassicCall(
        SCHEDULES,
        "block = sch.get_block('C')",
        "block = sch.get_sblock('C')",
        "sch.get(block).name_hint == 'C'",
        "0.24",
        18689,
        MLC,
    ),
    ClassicCall(
        SCHEDULES,
        "T.block",
        "T.sblock",
        "'with T.sblock(' in mod.script()",
        "0.24",
        18689,
        MLC,
    ),
    ClassicCall(
        SCHEDULES,
        "intrinsics = tvm.tir.TensorIntrin",
        "intrinsics = tvm.s_tir.TensorIntrin",
        "callable(intrinsics.register)",
        "0.24",
        18913,
        MLC,
    ),
    ClassicCall(
        SCHEDULES,
        "tvm.tir.stmt_functor.post_order_visit(mod['main'].body, visit)",
        "tvm_ffi.structural_walk(mod['main'].body, [(tvm.tirx.BufferStore, visit)])",
        "len(visited) == 1",
        "0.24",
        18913,
        ELSEWHERE,
    ),
    ClassicCall(
        SCHEDULES,
        "func = mod['main'].with_attr('tir.noalias', True)",
        "func = mod['main'].with_attr('tirx.noalias', True)",
        "'tirx.noalias' in mod['main'].attrs",
        "0.24",
        18913,
        MLC,
        fate="stays",
    ),
    ClassicCall(
        SCHEDULES,
        "same = tvm.ir.structural_equal(mod, mod)",
        "same = tvm_ffi.structural_equal(mod, mod)",
        "same",
        "0.25",
        19661,
        ELSEWHERE,
    ),
    ClassicCall(
        SCHEDULES,
        "tvm.transform.PassContext(config={'tir.disable_vectorize': True})",
        "context = tvm.transform.PassContext(config={'tirx.disable_vectorize': True})",
        "context.config['tirx.disable_vectorize']",
        "0.24",
        18913,
        ELSEWHERE,
    ),
    ClassicCall(
        BUILDING,
        "library = tvm.build(mod, target='llvm')",
        "library = tvm.compile(mod, target='llvm')",
        "callable(library['main'])",
        "0.20",
        17718,
        D2L,
        fate="warns",
    ),
    ClassicCall(
        BUILDING,
        "avx2 = tvm.target.Target('llvm -mcpu=core-avx2')",
        "avx2 = tvm.target.Target({'kind': 'llvm', 'mcpu': 'core-avx2'})",
        "avx2.attrs['mcpu'] == 'core-avx2'",
        "0.24",
        18785,
        D2L,
    ),
    ClassicCall(
        BUILDING,
        "host = tvm.target.create('llvm')",
        "host = tvm.target.Target('llvm')",
        "host.kind.name == 'llvm'",
        "0.24",
        18793,
        D2L,
    ),
    ClassicCall(
        BUILDING,
        "text = library.mod.get_source()",
        "text = library.mod.inspect_source('ll')",
        "'define' in text",
        "0.22",
        18213,
        BOTH,
    ),
    ClassicCall(
        BUILDING,
        "devices = library.mod.imported_modules",
        "devices = library.mod.imports",
        "len(devices) == 0",
        "0.22",
        18213,
        BOTH,
    ),
    ClassicCall(
        BUILDING,
        "tvm.register_func('texts.twice', lambda x: 2 * x)",
        "tvm.register_global_func('texts.twice', lambda x: 2 * x, override=True)",
        "tvm.get_global_func('texts.twice')(21) == 42",
        "0.22",
        18277,
        ELSEWHERE,
    ),
    ClassicCall(
        BUILDING,
        "text = mod.astext()",
        "text = mod.script()",
        "'T.prim_func' in text",
        "0.20",
        17656,
        ELSEWHERE,
    ),
    ClassicCall(
        RELAX,
        "kind = relax.TensorStructInfo((8,), 'float32')",
        "kind = relax.TensorType((8,), 'float32')",
        "relax.Var('x', kind).ty == kind",
        "0.26",
        19853,
        MLC,
    ),
    ClassicCall(
        RELAX,
        "shape = relax.Var('x', relax.TensorType((8,), 'float32')).struct_info.shape",
        "shape = relax.Var('x', relax.TensorType((8,), 'float32')).ty.shape",
        "int(shape[0]) == 8",
        "0.26",
        19853,
        MLC,
    ),
    ClassicCall(
        RELAX,
        "relax.call_dps_packed('f', (x,), out_sinfo=relax.TensorType((3,), 'float32'))",
        "call = relax.call_dps_packed('f', (x,), out_ty=relax.TensorType((3,), 'float32'))",
        "call.op.name == 'relax.call_dps_packed'",
        "0.26",
        19853,
        MLC,
    ),
    ClassicCall(
        RELAX,
        "relax.VirtualMachine(executable, tvm.cpu(), profile=True)",
        "timer = vm.time_evaluator('main', tvm.cpu())",
        "timer(t).mean > 0",
        "0.24",
        19455,
        ELSEWHERE,
    ),
)
