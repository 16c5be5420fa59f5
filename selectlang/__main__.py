"""python -m selectlang."""

import sys

from selectlang.cli import main

sys.exit(main())
