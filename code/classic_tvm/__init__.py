"""The calls of older TVM texts: what each does in the installed TVM, and what does its work today."""

from classic_tvm.calls import CALLS, TOPICS, ClassicCall
from classic_tvm.trial import OWN, SHARED, Trial, report, try_out

__all__ = ["CALLS", "OWN", "SHARED", "TOPICS", "ClassicCall", "Trial", "report", "try_out"]
