"""Turn pip's installation report (standard input) into constraints: exact versions, and nothing about where from."""

import json
import sys

OURSELVES = 'dify-front-door'

report = json.load(sys.stdin)
found = ((item['metadata']['name'].lower(), item['metadata']['version']) for item in report['install'])
print('# What the tests ran with. Made by `make lock`.')
print('\n'.join(f'{name}=={version}' for name, version in sorted(found) if name != OURSELVES))
