/** The sources of one answer, in a panel beside the thread; where there is no room, above it. */

const BESIDE = 880; // px of width from which on thread and panel fit next to each other

export class Sources {
  /** @param {Element} thread @param {(root: Element) => void} fill writes numbers */
  constructor(thread, words, fill) {
    this.thread = thread;
    this.room = thread.closest("main"); // the panel stands beside the composer, too
    this.words = words;
    this.fill = fill;
    this.panel = document.createElement("dialog");
    this.panel.className = "panel";
    this.panel.dataset.testid = "citation-panel";
    this.panel.setAttribute("aria-labelledby", "panel-title");
    this.panel.innerHTML = `
      <header><h2 id="panel-title"></h2>
        <button type="button" class="icon-button" data-testid="citation-close"><i class="icon icon-close"></i></button></header>
      <div class="panel-body"></div>`;
    this.panel.querySelector("h2").textContent = words.sources_title;
    const close = this.panel.querySelector("button");
    close.title = close.ariaLabel = words.close;
    close.onclick = () => this.panel.close();
    this.panel.addEventListener("close", () => this.closed());
    this.panel.addEventListener("keydown", (event) => this.key(event));
    this.panel.addEventListener("click", (event) => event.target === this.panel && this.panel.close()); // beside it
    this.room.append(this.panel);
  }

  /** Show the source that `mark` stands for, among its answer's; the mark of the one that is shown closes the panel. */
  async toggle(mark, load) {
    const id = mark.closest("[data-id]").dataset.id;
    if (this.panel.open && this.id === id && this.number === mark.dataset.number) return this.panel.close();
    if (!this.panel.open || this.id !== id) {
      const html = await load();
      if (!html || !mark.isConnected) return;
      const body = this.panel.querySelector(".panel-body");
      body.innerHTML = html;
      this.fill(body);
    }
    this.expand(false);
    this.id = id;
    this.number = mark.dataset.number;
    this.pressed = mark;
    this.expand(true);
    this.open();
    this.point();
  }

  close() {
    if (this.panel.open) this.panel.close();
  }

  remove() {
    this.panel.remove();
  }

  /** All that stand for the source that is shown: in the text, and below it. */
  get marks() {
    if (!this.id) return [];
    const marks = this.thread.querySelectorAll(`[data-id="${CSS.escape(this.id)}"] [data-action=citation]`);
    return [...marks].filter((each) => each.dataset.number === this.number);
  }

  expand(is) {
    for (const mark of this.marks) mark.ariaExpanded = String(is);
  }

  /** To where the panel was opened from, or what was made anew in its place. */
  focusMark() {
    const mark = this.pressed?.isConnected ? this.pressed : this.marks.at(-1);
    mark?.focus({ preventScroll: true });
  }

  open() {
    if (this.panel.open) return;
    const beside = this.room.clientWidth >= BESIDE;
    this.panel.classList.toggle("is-beside", beside);
    if (beside) this.panel.show();
    else this.panel.showModal();
  }

  point() {
    for (const source of this.panel.querySelectorAll(".source")) {
      source.toggleAttribute("data-current", source.dataset.number === this.number);
    }
    const current = this.panel.querySelector("[data-current]");
    current?.scrollIntoView({ block: "start" });
    current?.focus({ preventScroll: true });
  }

  closed() {
    this.expand(false);
    const { activeElement } = document;
    if (!activeElement || activeElement === document.body || this.panel.contains(activeElement)) this.focusMark();
  }

  /** A panel beside the thread is not modal, so Escape is ours to hear. */
  key(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere it stops the answer
    this.panel.close();
    this.focusMark();
  }
}
