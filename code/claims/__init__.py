"""What a chapter asserts, and the numbers that its prose quotes.

A chapter calls `claim` with a sentence and a condition: a false condition fails the chapter,
a true one is listed with its verdict on the status page. `quote` names a value so that prose
can print it by reference (``{glue:text}`name:.2f` ``) instead of repeating it by hand.
"""

from claims.claim import Claim, claim
from claims.quote import quote

__all__ = ["Claim", "claim", "quote"]
