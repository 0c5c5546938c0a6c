"""The commands, one module each: a function parses, calls and prints.

Each imports what it needs when it runs, so that ``--help`` is instant and
upscaling never loads torch.
"""
