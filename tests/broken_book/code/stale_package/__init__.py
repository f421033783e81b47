"""A package whose value the test changes between two builds."""

VALUE = "old"
