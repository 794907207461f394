"""A message that is still being written, for any number of pages that watch it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from webapp.markdown.allowlist import Allowlist
from webapp.markdown.blocks import render_blocks
from webapp.markdown.draft import Draft
from webapp.markdown.growing import Settled
from webapp.markdown.patches import Op, Patch, Seen, fixes, progress, whole
from webapp.markdown.source import clean


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a page shows that is up to date, and what the others need. Replaced as one, for threads that read it."""

    now: Seen
    blocks: Sequence[Settled]  # more may follow; `now` says how many count
    final: Sequence[str] = ()
    fixes: Sequence[Op] = ()


class LiveDocument:
    """One answer that is being written.

    `update` and `finish` are called one at a time, `patch` whenever a page is ready for more. An update takes a tenth
    of a millisecond. `finish` renders the whole: some 10 ms for an answer of 16,000 tokens, more if there is much code
    in it. It may be called in a thread, while pages go on to ask for patches.

    :param scope: prefix of the ids in it, as for `render`
    """

    def __init__(self, *, scope: str) -> None:
        self._scope = scope
        self._allowlist = Allowlist(scope)
        self._epoch = 1
        self._draft = Draft(self._allowlist)
        self._shown = _Shown(Seen(), ())

    def update(self, text: str) -> None:
        """Take the whole text so far. Mostly it has grown; if not, pages start anew."""
        if self._begins_anew(text):
            self._restart()
        elif text == self._draft.text:
            return
        self._draft.write(text)
        self._show()

    def finish(self, text: str) -> None:
        """Take the whole text, now final: what pages show then is what `render` makes of it."""
        if self._shown.now.finished and text == self._draft.text:
            return
        final = render_blocks(clean(text), scope=self._scope)
        if self._begins_anew(text):
            self._restart()
        self._draft.end(text)
        self._show(final)

    def patch(self, seen: Seen | None) -> tuple[Patch, Seen]:
        """What a page must do that has `seen`, and what it has seen then. The patch is empty if nothing is new.

        :param seen: None for a page that shows nothing yet, or doesn't know any more what it shows
        """
        shown = self._shown
        if seen == shown.now:
            return {}, seen
        if seen is None or seen.epoch != shown.now.epoch:
            seen = Seen(epoch=shown.now.epoch)
        if shown.now.finished and not seen.version:
            ops = whole(shown.final)
        else:
            ops = [*progress(shown.blocks, seen, shown.now), *shown.fixes]
        return {'from': seen.version, 'to': shown.now.version, 'ops': ops}, shown.now

    def _begins_anew(self, text: str) -> bool:
        return self._shown.now.finished or not text.startswith(self._draft.text)

    def _restart(self) -> None:
        self._draft = Draft(self._allowlist)
        self._epoch += 1

    def _show(self, final: Sequence[str] | None = None) -> None:
        draft, before = self._draft, self._shown.now
        is_open = draft.container is not None
        now = Seen(
            epoch=self._epoch,
            version=before.version,
            blocks=len(draft.blocks) - is_open,
            children=len(draft.blocks[-1].children) if is_open else None,
            tail=draft.tail,
            finished=final is not None,
        )
        if now == before:
            return
        now = replace(now, version=now.version + 1)
        if final is None:
            self._shown = _Shown(now, draft.blocks)
        else:
            self._shown = _Shown(now, draft.blocks, final, fixes([block.html for block in draft.blocks], final))
