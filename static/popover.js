/** A small sheet beside a button, above everything else: it goes with a click elsewhere or Escape. */

const GAP = 6; // px between button and sheet
const EDGE = 8; // px that stay free at the edges of the window

export class Popover {
  /** @param {Element} host where the sheet lives @param {Element} scroller what moves the button */
  constructor(host, scroller) {
    this.sheet = document.createElement("div");
    this.sheet.className = "sheet";
    this.sheet.popover = "auto";
    this.sheet.tabIndex = -1;
    this.sheet.setAttribute("role", "dialog");
    host.append(this.sheet);
    const place = () => this.place();
    scroller.addEventListener("scroll", place, { passive: true });
    addEventListener("resize", place, { passive: true });
    new ResizeObserver(place).observe(this.sheet);
    this.sheet.addEventListener("toggle", (event) => event.newState === "closed" && this.closed());
    this.sheet.addEventListener("focusout", (event) => this.left(event));
    this.sheet.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {() => Element?} find the button, which the server may have made anew meanwhile */
  open(find, content, label) {
    this.close();
    this.find = find;
    this.sheet.ariaLabel = label;
    this.sheet.replaceChildren(content);
    find()?.setAttribute("aria-expanded", "true");
    this.sheet.showPopover({ source: find() });
    this.place();
    this.sheet.focus({ preventScroll: true });
  }

  close() {
    if (this.isOpen) this.sheet.hidePopover();
  }

  get isOpen() {
    return this.sheet.matches(":popover-open");
  }

  closed() {
    const button = this.find?.();
    if (button?.hasAttribute("aria-expanded")) button.ariaExpanded = "false";
    this.sheet.replaceChildren();
  }

  key(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation(); // elsewhere it stops the answer
    event.preventDefault();
    this.close();
    this.find()?.focus({ preventScroll: true });
  }

  /** Who leaves the sheet with the keyboard has no use for it; who clicks elsewhere closes it anyway. */
  left({ relatedTarget }) {
    if (relatedTarget && !this.sheet.contains(relatedTarget)) this.close();
  }

  place() {
    const button = this.isOpen && this.find();
    if (!button) return;
    const at = button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.sheet;
    const left = Math.max(EDGE, Math.min(at.left, innerWidth - width - EDGE));
    const below = at.bottom + GAP;
    const top = below + height > innerHeight - EDGE ? at.top - GAP - height : below;
    this.sheet.style.left = `${left}px`;
    this.sheet.style.top = `${Math.max(EDGE, top)}px`;
  }
}
