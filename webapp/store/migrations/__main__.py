"""`python -m webapp.store.migrations "what changes"` drafts a new version from the tables."""

import sys

from webapp.store import schema

sys.stdout.write(f'{schema.draft(sys.argv[1])}: read it, mend it\n')
