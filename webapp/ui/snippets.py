"""What goes into a page of another site, for the chat to be shown there: HTML, to be copied."""

from markupsafe import escape

from webapp.embeds import Embed, Layout

SIZES = {Layout.BUBBLE: (400, 640), Layout.COMPACT: (400, 640), Layout.FULL: (1000, 720)}  # px


def script(embed: Embed, public_url: str) -> str:
    """The one tag. It finds out by itself where we are."""
    who = ' data-token-url="/chat-token"' if embed.keys else ''
    return (
        f'<script src="{escape(public_url)}/static/embed.js" data-embed="{embed.id}"{who} '
        f'data-layout="{embed.layout}" async></script>'
    )


def iframe(embed: Embed, public_url: str, title: str) -> str:
    """For pages without a script of ours; their server writes a token in, if it has one.

    :param title: for those who don't see it
    """
    token, quiet = ('?token=JWT', ' referrerpolicy="no-referrer"') if embed.keys else ('', '')
    width, height = SIZES[embed.layout]
    return (
        f'<iframe src="{escape(public_url)}{embed.path}{token}" title="{escape(title)}" width="{width}" '
        f'height="{height}" allow="microphone; clipboard-write"{quiet}></iframe>'
    )
