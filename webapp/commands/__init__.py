"""The commands: one module each, called as it is, whose `run` takes what was said on the command line.

A command loads what it needs when it is called, so that `--help` need not wait for it. Those about what is kept work
beside a server, and without one.
"""
