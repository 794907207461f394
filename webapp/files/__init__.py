"""Files between people, assistants and upstream: taken in, kept, handed out.

file = await files.upload(principal, app='support', name='photo.png', stream=stream)
files.address(files.made_id(message_id, part))   # where a page finds what the assistant has made
"""

from webapp.files.addresses import address, made_id
from webapp.files.rules import accept
from webapp.files.service import Files

__all__ = ['Files', 'accept', 'address', 'made_id']
