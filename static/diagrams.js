/**
 * Diagrams from their source. What draws them runs in a frame without an origin: it can't reach this page, its cookies
 * or any host, and browsers give it a process of its own, so a diagram made to take forever holds up nobody. What comes
 * back is shown as an image, in which nothing acts.
 */

const LONGEST = 20_000; // characters of source
const EDGES = 300;
const LOADING_MS = 20_000; // for so long the library may take to arrive
const DRAWING_MS = 5_000; // and one diagram to be drawn
const IDLE_MS = 60_000; // after which the frame goes
const KEPT = 40; // pictures
const WIDEST = 20_000; // pixels of a picture, in either direction
const HEAVIEST = 1_000_000; // characters of it

/**
 * Draw a block's diagram once it comes near the view, and again when the colours change.
 * @param {(block, picture: {url: string, width: number, height: number}, words) => void} put shows it
 */
export function watch(block, words, put) {
  Object.assign(block, { diagramWords: words, putDiagram: put });
  near.observe(block);
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      show(target);
    }
  },
  { rootMargin: "400px" },
);

async function show(block) {
  const { diagramWords: words, putDiagram: put } = block;
  const source = block.querySelector("pre").textContent;
  try {
    put(block, await picture(source), words);
    block.querySelector(".diagram-note")?.remove();
    block.dataset.diagram = "drawn";
  } catch (error) {
    if (block.dataset.diagram !== "drawn") excuse(block, words.diagram_failed, error);
  }
}

function excuse(block, sentence, error) {
  console.info("a diagram was not drawn:", String(error).slice(0, 200));
  block.querySelector(".diagram")?.remove(); // of the room that was kept for it
  let note = block.querySelector(".diagram-note");
  if (!note) {
    note = document.createElement("p");
    note.className = "diagram-note";
    block.querySelector("pre").before(note);
  }
  note.textContent = sentence;
  block.dataset.diagram = "failed";
}

// pictures, by colours and source

const pictures = new Map();

function picture(source) {
  const look = colours();
  const key = JSON.stringify([look, source]);
  const known = pictures.get(key) ?? draw(source, look);
  pictures.delete(key); // the last one used is the last one to go
  pictures.set(key, known);
  known.catch(() => pictures.delete(key));
  for (const [oldest, old] of pictures) {
    if (pictures.size <= KEPT) break;
    pictures.delete(oldest);
    old.then(({ url }) => URL.revokeObjectURL(url), () => {});
  }
  return known;
}

async function draw(source, look) {
  if (source.length > LONGEST) throw new Error("too long");
  const { svg, width, height, error } = await studio.draw({ source, config: config(look), ground: look.ground });
  if (typeof svg !== "string") throw new Error(error);
  const size = [width, height].map((pixels) => Math.ceil(Number(pixels)));
  if (svg.length > HEAVIEST || !size.every((pixels) => pixels > 0 && pixels <= WIDEST)) throw new Error("too large");
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  return { url, width: size[0], height: size[1] };
}

// colours: those of the page, whatever they are written as

const TOKENS = { ground: "--ground", text: "--text", quiet: "--quiet", box: "--bubble", line: "--field", side: "--side" };

function colours() {
  const probe = document.body.appendChild(document.createElement("i"));
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const read = (token) => {
    probe.style.color = `var(${token})`;
    context.fillStyle = getComputedStyle(probe).color;
    context.fillRect(0, 0, 1, 1);
    return `rgb(${[...context.getImageData(0, 0, 1, 1).data.slice(0, 3)]})`;
  };
  const found = Object.fromEntries(Object.entries(TOKENS).map(([name, token]) => [name, read(token)]));
  const series = [1, 2, 3, 4, 5, 6].map((number) => read(`--series-${number}`));
  probe.remove();
  return { ...found, series, font: getComputedStyle(document.body).fontFamily };
}

function config({ ground, text, quiet, box, line, side, series, font }) {
  const isDark = Number(text.match(/\d+/)[0]) > 127;
  const fixed = ["theme", "themeVariables", "themeCSS", "fontFamily", "darkMode", "htmlLabels", "dompurifyConfig"];
  return {
    startOnLoad: false,
    securityLevel: "strict",
    secure: ["secure", "securityLevel", "startOnLoad", "maxTextSize", "maxEdges", "suppressErrorRendering", ...fixed],
    suppressErrorRendering: true,
    maxTextSize: LONGEST,
    maxEdges: EDGES,
    htmlLabels: false,
    theme: "base",
    darkMode: isDark,
    fontFamily: font,
    themeVariables: {
      ...{ darkMode: isDark, fontFamily: font, fontSize: "15px", background: ground, mainBkg: box },
      ...{ primaryColor: box, primaryTextColor: text, primaryBorderColor: line, textColor: text, lineColor: quiet },
      ...{ secondaryColor: side, secondaryTextColor: text, secondaryBorderColor: line },
      ...{ tertiaryColor: side, tertiaryTextColor: text, tertiaryBorderColor: line },
      ...{ noteBkgColor: side, noteTextColor: text, noteBorderColor: line, edgeLabelBackground: ground },
      ...{ pieSectionTextColor: text, pieStrokeColor: ground, pieOuterStrokeColor: line, pieOpacity: "1" },
      ...numbered("pie", 1, series),
      ...numbered("cScale", 0, series),
      ...numbered("cScaleLabel", 0, [text]),
      ...numbered("git", 0, series),
      ...numbered("gitBranchLabel", 0, [text]),
    },
  };
}

/** Mermaid has a dozen of some colours, each with a name of its own. */
const numbered = (name, first, values) =>
  Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`${name}${first + at}`, values[at % values.length]]));

const drawn = () => document.querySelectorAll("[data-diagram=drawn]");
const redraw = () => drawn().forEach((block) => block.diagramWords && near.observe(block));
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// the frame: one, which draws one diagram after the other

const studio = {
  last: Promise.resolve(),

  draw(task) {
    const result = this.last.then(() => this.drawNow(task));
    this.last = result.catch(() => {});
    return result;
  },
  async drawNow(task) {
    clearTimeout(this.idle);
    try {
      this.port ??= await within(LOADING_MS, this.open());
      return await within(DRAWING_MS, reply(this.port, task));
    } catch (error) {
      this.close();
      throw error;
    } finally {
      this.idle = setTimeout(() => this.close(), IDLE_MS);
    }
  },
  async open() {
    const nonce = document.querySelector("script[nonce]")?.nonce ?? "";
    const library = import.meta.resolve("nicegui-mermaid");
    this.frame = document.createElement("iframe");
    Object.assign(this.frame, { className: "diagram-frame", sandbox: "allow-scripts", tabIndex: -1, ariaHidden: "true" });
    this.frame.srcdoc = `<!doctype html><meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy"
        content="default-src 'none'; script-src 'nonce-${nonce}' 'strict-dynamic'; style-src 'unsafe-inline'">
      <script type="module" nonce="${nonce}">(${inFrame})("${library}")</script>`;
    const loaded = new Promise((resolve) => this.frame.addEventListener("load", resolve, { once: true }));
    document.body.append(this.frame);
    await loaded;
    const { port1, port2 } = new MessageChannel();
    const { error } = await reply(port1, null, () => this.frame.contentWindow.postMessage(null, "*", [port2]));
    if (error) throw new Error(error);
    return port1;
  },
  close() {
    this.frame?.remove();
    this.port?.close();
    this.frame = this.port = undefined;
  },
};

function reply(port, task, send = () => port.postMessage(task)) {
  return new Promise((resolve) => {
    port.onmessage = ({ data }) => resolve(data);
    send();
  });
}

function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(reject, ms, new Error("took too long"))));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Runs in the frame, which knows nothing of what is above. */
function inFrame(library) {
  addEventListener("message", async ({ ports: [port] }) => {
    try {
      const { mermaid } = await import(library);
      port.onmessage = async ({ data }) => port.postMessage(await drawn(mermaid, data).catch(failure));
      port.postMessage({});
    } catch (error) {
      port.postMessage(failure(error));
    }
  });

  async function drawn(mermaid, { source, config, ground }) {
    mermaid.initialize(config);
    const holder = document.body.appendChild(document.createElement("div"));
    try {
      holder.innerHTML = (await mermaid.render("drawing", source)).svg;
      const svg = holder.querySelector("svg");
      const { width, height } = svg.viewBox.baseVal ?? svg.getBBox();
      svg.setAttribute("width", width);
      svg.setAttribute("height", height);
      svg.style.maxWidth = "";
      svg.style.background = ground;
      return { svg: new XMLSerializer().serializeToString(svg), width, height };
    } finally {
      document.body.replaceChildren();
    }
  }

  function failure(error) {
    return { error: String(error?.message ?? error) };
  }
}
