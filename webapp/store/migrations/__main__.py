"""`python -m webapp.store.migrations "what changes"` drafts a new version from the tables."""

import sys

from webapp.store import migration

sys.stdout.write(f'{migration.draft(sys.argv[1])}: read it, mend it\n')
