/**
 * Keeps the end of growing content in view for as long as the reader is there.
 *
 * The observer fires after layout and before paint, so following costs no layout of its own and never flickers.
 */
export class Follow {
  /** @param {(following: boolean) => void} changed hears when the reader leaves the end or comes back to it */
  constructor(scroller, content, changed) {
    this.scroller = scroller;
    this.changed = changed;
    this.following = true;
    this.top = 0;
    this.observer = new ResizeObserver(() => this.following && this.pin());
    this.observer.observe(content);
    this.observer.observe(scroller);
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    scroller.addEventListener("wheel", (event) => event.deltaY < 0 && this.leave(), { passive: true });
  }

  /** Go to the end, and stay there. */
  toEnd() {
    this.set(true);
    this.pin();
  }

  stop() {
    this.observer.disconnect();
  }

  pin() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.top = this.scroller.scrollTop;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const movedUp = scrollTop < this.top;
    this.top = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < 40) this.set(true);
    else if (movedUp) this.set(false);
  }

  /** The wheel turned upwards: let go at once, for the scroll event comes a frame later. */
  leave() {
    if (this.scroller.scrollHeight > this.scroller.clientHeight) this.set(false);
  }

  set(following) {
    if (this.following === following) return;
    this.following = following;
    this.changed(following);
  }
}
