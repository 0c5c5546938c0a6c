"""``python -m vs_espcn``: the command line."""

from vs_espcn.cli import main

main()
