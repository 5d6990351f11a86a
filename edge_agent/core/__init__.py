"""The deterministic core: no I/O, no clock, no randomness, no logging, no threads.

Time comes in as an argument; the same calls give the same results, live and in replay.
"""
