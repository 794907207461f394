"""Markdown as safe HTML: the whole at once, or as patches while it is being written. And as words to be spoken."""

from webapp.markdown.blocks import render
from webapp.markdown.live import LiveDocument
from webapp.markdown.patches import Patch, Seen
from webapp.markdown.plain import link, linked
from webapp.markdown.spoken import spoken

__all__ = ['LiveDocument', 'Patch', 'Seen', 'link', 'linked', 'render', 'spoken']
