"""Prove a fix: apply it to one arm of an interleaved experiment and measure the difference."""
