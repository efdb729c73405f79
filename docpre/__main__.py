"""``python -m docpre`` is the command ``docpre``."""

import sys

from docpre.cli import main

sys.exit(main())
