"""The passport of a compiler project: the same questions to each, answered by cells.

A chapter of Part III enters one answer per field, in the cell that shows it. The build
refuses a passport that is incomplete, and joins those of all chapters into one table.
"""

from passports.passport import FIELDS, MIME_TYPE, Entry, Field, Passport, complaints

__all__ = ["FIELDS", "MIME_TYPE", "Entry", "Field", "Passport", "complaints"]
