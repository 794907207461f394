/**
 * Keeps the reader's place while content grows: the end, for as long as the reader is there, else what stands at the top
 * of the view.
 *
 * The observer fires after layout and before paint, so this costs no layout of its own and never flickers.
 */
export class Follow {
  /**
   * @param {Element} list its children are the messages
   * @param {(following: boolean) => void} changed hears when the reader leaves the end or comes back to it
   */
  constructor(scroller, list, changed) {
    this.scroller = scroller;
    this.list = list;
    this.changed = changed;
    this.following = true;
    this.top = 0;
    this.observer = new ResizeObserver(() => this.settle());
    this.observer.observe(list.parentElement);
    this.observer.observe(scroller);
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this.leave(), { passive: true });
    scroller.addEventListener("click", (event) => this.clicked(event), { capture: true });
  }

  /** Go to the end, and stay there; before the first message, to the beginning. */
  toEnd() {
    this.set(true);
    if (this.isEmpty) this.scroller.scrollTop = 0;
    this.pin();
  }

  /** Change what is in the list while the reader's place stays where it is. */
  keep(change) {
    this.remember();
    change();
    this.restore();
  }

  /** Change what stands from the reader's place downwards, who stays exactly there, even if there is less of it now. */
  stay(change) {
    const { scroller, list } = this;
    const top = scroller.scrollTop;
    const rest = scroller.scrollHeight - list.offsetHeight;
    this.set(false);
    list.style.minHeight = `${top + scroller.clientHeight - rest}px`;
    change();
    scroller.scrollTop = top;
    this.remember();
  }

  /** The room that `stay` may have left below the last message is not needed any more. */
  closeUp() {
    this.list.style.minHeight = "";
  }

  stop() {
    this.observer.disconnect();
  }

  settle() {
    if (this.following) return this.pin();
    this.restore();
    if (this.unfolding && this.isAtEnd()) this.set(true);
    this.unfolding = false;
  }

  pin() {
    if (this.isEmpty) return;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.top = this.scroller.scrollTop;
  }

  /** What begins first in the view must not move: a block, or the next message if the browser has not drawn this one. */
  remember() {
    const edge = this.scroller.getBoundingClientRect().top;
    const message = [...this.list.children].find((each) => each.getBoundingClientRect().bottom > edge);
    if (!message) return this.hold(undefined);
    const blocks = [...message.querySelectorAll(".prose > *")].filter(isDrawn);
    const inView = (each) => each?.getBoundingClientRect().top >= edge;
    this.hold([message, ...blocks, message.nextElementSibling].find(inView) ?? message);
  }

  hold(anchor) {
    this.anchor = anchor;
    this.offset = anchor?.getBoundingClientRect().top;
  }

  /** Most browsers do this by themselves, but not at the very top, and some not at all. */
  restore() {
    if (!this.anchor?.isConnected) return;
    const moved = this.anchor.getBoundingClientRect().top - this.offset;
    if (Math.abs(moved) >= 1) this.scroller.scrollTop += moved;
  }

  scrolled() {
    if (this.isEmpty) return;
    const movedUp = this.scroller.scrollTop < this.top;
    this.top = this.scroller.scrollTop;
    if (this.isAtEnd()) this.set(true);
    else if (movedUp) this.set(false);
    if (!this.following) this.remember();
  }

  /** The wheel turned upwards: let go at once, for the scroll event comes a frame later. */
  leave() {
    if (this.isEmpty || this.scroller.scrollHeight <= this.scroller.clientHeight) return;
    this.set(false);
    this.remember();
  }

  /** What unfolds where the reader clicks unfolds downwards, also at the end. */
  clicked(event) {
    const toggle = event.target.closest("summary, [aria-controls]");
    if (!toggle || this.isEmpty) return;
    this.set(false);
    this.hold(toggle);
    this.unfolding = true;
  }

  get isEmpty() {
    return !this.list.childElementCount;
  }

  isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < 40;
  }

  set(following) {
    if (this.following === following) return;
    this.following = following;
    this.changed(following);
  }
}

/** Off the screen, `content-visibility: auto` leaves messages undrawn, with a height that is only guessed. */
const isDrawn = (element) => element.checkVisibility({ contentVisibilityAuto: true });
