"""Markdown as safe HTML: the whole at once, or as patches while it is being written."""

from webapp.markdown.blocks import render
from webapp.markdown.live import LiveDocument
from webapp.markdown.patches import Patch, Seen

__all__ = ['LiveDocument', 'Patch', 'Seen', 'render']
