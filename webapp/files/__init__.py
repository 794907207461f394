"""Files between people, assistants and upstream: taken in, kept, handed out.

file = await files.upload(principal, app='support', name='photo.png', stream=stream)
files.address(files.made_id(message_id, part))   # where a page finds what the assistant has made
"""

from webapp.files.addresses import address, made_id
from webapp.files.links import Links
from webapp.files.rules import accept, takes_links
from webapp.files.service import Files
from webapp.files.written import Written

__all__ = ['Files', 'Links', 'Written', 'accept', 'address', 'made_id', 'takes_links']
