/** One image as large as the window allows, and the way to the others of the thread. */

const LARGEST = 8; // times its fitting size
const STEP = 1.5; // of one click
const DOUBLE = 2.5; // of a double click
const NUDGE = 60; // px that an arrow key moves an image which is larger than the window
const SWIPE = 60; // px that a finger goes to the side for the next one

export class Lightbox {
  constructor(host, words) {
    this.words = words;
    this.dialog = document.createElement("dialog");
    this.dialog.className = "lightbox";
    this.dialog.dataset.testid = "lightbox";
    this.dialog.ariaLabel = words.viewer;
    this.dialog.tabIndex = -1;
    this.dialog.innerHTML = `
      <div class="lightbox-bar">
        <p class="lightbox-name" aria-live="polite"><bdi></bdi></p>
        <button type="button" class="icon-button" data-do="out"><i class="icon icon-minus"></i></button>
        <button type="button" class="icon-button" data-do="in"><i class="icon icon-new"></i></button>
        <a class="icon-button" data-testid="lightbox-download" download><i class="icon icon-download"></i></a>
        <button type="button" class="icon-button" data-do="close" data-testid="lightbox-close"><i class="icon icon-close"></i></button>
      </div>
      <div class="lightbox-stage"><img alt="" draggable="false"><p hidden></p></div>
      <button type="button" class="icon-button lightbox-way is-back" data-do="back"><i class="icon icon-chevron"></i></button>
      <button type="button" class="icon-button lightbox-way is-on" data-do="on"><i class="icon icon-chevron"></i></button>`;
    this.image = this.dialog.querySelector("img");
    this.stage = this.dialog.querySelector(".lightbox-stage");
    this.touches = new Map(); // pointer id -> where it is
    this.label();
    this.listen();
    host.append(this.dialog);
  }

  /** @param {Element[]} pictures the thread's, in order @param {Element} picture the one to begin with */
  open(pictures, picture) {
    this.pictures = pictures;
    this.dialog.showModal();
    this.dialog.focus();
    this.show(pictures.indexOf(picture));
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  show(index) {
    if (index < 0 || index >= this.pictures.length) return;
    this.index = index;
    const picture = this.pictures[index];
    const { href, address, name } = source(picture, this.words);
    this.fit();
    this.broken(false);
    this.image.src = href;
    this.image.alt = name;
    this.dialog.querySelector("bdi").textContent =
      this.pictures.length > 1
        ? fill(this.words.picture_of, { name, number: index + 1, count: this.pictures.length })
        : name;
    const download = this.dialog.querySelector("a");
    download.href = address;
    download.download = name;
    this.button("back").hidden = index === 0;
    this.button("on").hidden = index === this.pictures.length - 1;
    if (document.activeElement.hidden) this.dialog.focus(); // else the keyboard would be nowhere
  }

  // size and place: the image is moved by (x, y) pixels from the middle and drawn `scale` times its fitting size

  fit() {
    this.scale = 1;
    this.x = this.y = 0;
    this.draw();
  }

  /** Zoom so that the point of the image at (`clientX`, `clientY`) stays there. */
  zoom(scale, clientX, clientY) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    const x = (clientX ?? left + width / 2) - left - width / 2;
    const y = (clientY ?? top + height / 2) - top - height / 2;
    const next = Math.min(LARGEST, Math.max(1, scale));
    const ratio = next / this.scale;
    this.x = x - (x - this.x) * ratio;
    this.y = y - (y - this.y) * ratio;
    this.scale = next;
    this.draw();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.draw();
  }

  draw() {
    const farX = (this.image.clientWidth * (this.scale - 1)) / 2;
    const farY = (this.image.clientHeight * (this.scale - 1)) / 2;
    this.x = Math.max(-farX, Math.min(farX, this.x));
    this.y = Math.max(-farY, Math.min(farY, this.y));
    this.image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.dialog.toggleAttribute("data-zoomed", this.scale > 1);
    this.button("in").ariaDisabled = String(this.scale >= LARGEST);
    this.button("out").ariaDisabled = String(this.scale <= 1);
  }

  broken(is) {
    const notice = this.stage.querySelector("p");
    notice.hidden = !is;
    notice.textContent = is ? this.words.broken_picture : "";
    this.image.hidden = is;
  }

  // what is heard

  listen() {
    const { dialog, stage, image } = this;
    dialog.addEventListener("click", (event) => this.clicked(event));
    dialog.addEventListener("keydown", (event) => this.key(event));
    dialog.addEventListener("close", () => image.removeAttribute("src"));
    image.addEventListener("error", () => this.broken(true));
    image.addEventListener("load", () => this.draw());
    stage.addEventListener("dblclick", ({ clientX, clientY }) =>
      this.scale > 1 ? this.fit() : this.zoom(DOUBLE, clientX, clientY),
    );
    stage.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(this.scale * Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
      },
      { passive: false },
    );
    stage.addEventListener("pointerdown", (event) => {
      this.isBeside = event.target === stage; // the capture makes the click one on the stage in any case
      this.moved = false;
      this.start = this.touches.size ? null : event; // of a gesture with one finger
      stage.setPointerCapture(event.pointerId);
      this.touches.set(event.pointerId, event);
    });
    stage.addEventListener("pointermove", (event) => this.dragged(event));
    stage.addEventListener("pointerup", (event) => this.swiped(event));
    for (const name of ["pointerup", "pointercancel"]) {
      stage.addEventListener(name, (event) => this.touches.delete(event.pointerId));
    }
  }

  clicked(event) {
    const act = event.target.closest("[data-do]")?.dataset.do;
    if (act) this.act(act);
    else if (event.target === this.stage && this.isBeside && !this.moved) this.dialog.close();
  }

  act(name) {
    ({
      in: () => this.zoom(this.scale * STEP),
      out: () => this.zoom(this.scale / STEP),
      back: () => this.show(this.index - 1),
      on: () => this.show(this.index + 1),
      fit: () => this.fit(),
      close: () => this.dialog.close(),
    })[name]();
  }

  key(event) {
    const backwards = getComputedStyle(this.dialog).direction === "rtl";
    const nudge = this.scale > 1 && NUDGES[event.key];
    const act = {
      ArrowLeft: backwards ? "on" : "back",
      ArrowRight: backwards ? "back" : "on",
      PageUp: "back",
      PageDown: "on",
      "+": "in",
      "=": "in",
      "-": "out",
      0: "fit",
    }[event.key];
    event.stopPropagation(); // the page's own shortcuts have no place here
    if (!(nudge || act) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (nudge) this.move(...nudge);
    else this.act(act);
  }

  /** A finger that went to the side, over an image that fits. */
  swiped(event) {
    const [x, y] = [event.clientX - (this.start?.clientX ?? NaN), event.clientY - this.start?.clientY];
    if (event.pointerType !== "touch" || this.scale > 1 || !(Math.abs(x) > Math.max(SWIPE, 2 * Math.abs(y)))) return;
    const backwards = getComputedStyle(this.dialog).direction === "rtl";
    this.act(x > 0 === backwards ? "on" : "back");
  }

  /** One finger or the mouse moves the image, two fingers zoom it. */
  dragged(event) {
    const last = this.touches.get(event.pointerId);
    if (!last) return;
    const [other] = [...this.touches.values()].filter((each) => each.pointerId !== event.pointerId);
    if (other) {
      const x = (event.clientX + other.clientX) / 2;
      const y = (event.clientY + other.clientY) / 2;
      this.zoom((this.scale * distance(event, other)) / Math.max(1, distance(last, other)), x, y);
    } else {
      this.move(event.clientX - last.clientX, event.clientY - last.clientY);
    }
    this.moved ||= distance(event, last) > 3;
    this.touches.set(event.pointerId, event);
  }

  label() {
    const { words } = this;
    const names = { in: words.zoom_in, out: words.zoom_out, back: words.previous, on: words.next, close: words.close };
    for (const [button, name] of Object.entries(names)) this.button(button).title = this.button(button).ariaLabel = name;
    const download = this.dialog.querySelector("a");
    download.title = download.ariaLabel = this.words.download;
  }

  button(name) {
    return this.dialog.querySelector(`[data-do=${name}]`);
  }
}

/** Where a picture is: a tile, or one in the text of an answer. */
function source(picture, words) {
  const image = picture.querySelector("img");
  if (picture.localName === "button") {
    return { href: picture.dataset.href, address: picture.dataset.download, name: picture.title };
  }
  const href = image.getAttribute("src");
  const address = `${href}${href.includes("?") ? "&" : "?"}download=1`;
  return { href, address, name: image.title || image.alt || words.viewer };
}

/** Where an image goes when the eye goes the way of an arrow. */
const NUDGES = { ArrowLeft: [NUDGE, 0], ArrowRight: [-NUDGE, 0], ArrowUp: [0, NUDGE], ArrowDown: [0, -NUDGE] };

const distance = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);

const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
