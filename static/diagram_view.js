/** A diagram in full: move it, make it larger and smaller, save it. */

const STEP = 1.25;
const SMALLEST = 0.1;
const LARGEST = 20;
const NUDGE = 60; // pixels
const MARGIN = 24;

export function view(picture, words) {
  if (!picture) return;
  const dialog = document.createElement("dialog");
  dialog.className = "diagram-view";
  dialog.dataset.testid = "diagram-view";
  dialog.ariaLabel = words.diagram;
  const stage = document.createElement("div");
  stage.className = "diagram-stage";
  const image = Object.assign(new Image(), { src: picture.src, alt: words.diagram, draggable: false });
  stage.append(image);
  const sight = new Sight(stage, image, picture.width, picture.height);
  const save = () => Object.assign(document.createElement("a"), { href: picture.src, download: "diagram.svg" }).click();
  dialog.append(
    stage,
    bar([
      ["zoom-out", words.zoom_out, "icon-minus", () => sight.zoom(1 / STEP)],
      ["zoom-in", words.zoom_in, "icon-new", () => sight.zoom(STEP)],
      ["zoom-fit", words.zoom_fit, "icon-fit", () => sight.fit()],
      ["download-svg", words.download_svg, "icon-save", save],
      ["close", words.close, "icon-close", () => dialog.close()],
    ]),
  );
  dialog.addEventListener("keydown", (event) => sight.press(event));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  sight.fit();
}

function bar(entries) {
  const made = document.createElement("div");
  made.className = "diagram-bar";
  for (const [testid, label, icon, act] of entries) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "icon-button";
    button.dataset.testid = testid;
    button.title = button.ariaLabel = label;
    button.innerHTML = `<i class="icon ${icon}"></i>`;
    button.addEventListener("click", act);
    made.append(button);
  }
  return made;
}

/** What is seen of the image: its place in the stage, and its size. */
class Sight {
  constructor(stage, image, width, height) {
    Object.assign(this, { stage, image, width, height, pointers: new Map() });
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.grasp(event));
    stage.addEventListener("pointermove", (event) => this.pull(event));
    for (const end of ["pointerup", "pointercancel"]) {
      stage.addEventListener(end, (event) => this.pointers.delete(event.pointerId));
    }
  }

  fit() {
    const { clientWidth, clientHeight } = this.stage;
    this.scale = Math.min((clientWidth - 2 * MARGIN) / this.width, (clientHeight - 2 * MARGIN) / this.height, 2);
    this.x = (clientWidth - this.width * this.scale) / 2;
    this.y = (clientHeight - this.height * this.scale) / 2;
    this.draw();
  }

  /** @param around the point of the stage that stays where it is; its middle, if none is given */
  zoom(factor, around = { x: this.stage.clientWidth / 2, y: this.stage.clientHeight / 2 }) {
    const scale = Math.min(Math.max(this.scale * factor, SMALLEST), LARGEST);
    this.x = around.x - ((around.x - this.x) * scale) / this.scale;
    this.y = around.y - ((around.y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.draw();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.draw();
  }

  /** At least a corner of the image stays in sight. */
  draw() {
    const { clientWidth, clientHeight } = this.stage;
    this.x = Math.min(Math.max(this.x, NUDGE - this.width * this.scale), clientWidth - NUDGE);
    this.y = Math.min(Math.max(this.y, NUDGE - this.height * this.scale), clientHeight - NUDGE);
    Object.assign(this.image.style, {
      width: `${this.width * this.scale}px`,
      height: `${this.height * this.scale}px`,
      translate: `${this.x}px ${this.y}px`,
    });
  }

  press(event) {
    const act = {
      "+": () => this.zoom(STEP),
      "=": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      0: () => this.fit(),
      ArrowLeft: () => this.move(NUDGE, 0),
      ArrowRight: () => this.move(-NUDGE, 0),
      ArrowUp: () => this.move(0, NUDGE),
      ArrowDown: () => this.move(0, -NUDGE),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)), this.point(event));
  }

  grasp(event) {
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.point(event));
  }

  /** One finger moves, two change the size. */
  pull(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.point(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.zoom(distance(now, other) / Math.max(distance(before, other), 1), other);
    else this.move(now.x - before.x, now.y - before.y);
    this.pointers.set(event.pointerId, now);
  }

  point({ clientX, clientY }) {
    const { left, top } = this.stage.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }
}

const distance = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
