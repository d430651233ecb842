"""``python -m lrwatch``: the same as ``lrwatch``."""

import sys

from lrwatch.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
