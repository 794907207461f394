/** The chat in pages of other sites. */
(() => {
  const EVENTS = ["ready", "opened", "closed", "message", "unread", "error", "resize"];
  const PHONE = matchMedia("(max-width: 599.98px)");
  const SIZE = 56;
  const EDGE = 16; // px that stay free around the bubble
  const chats = window.WebappChat?.chats ?? {};

  class Chat {
    constructor(script) {
      const { embed, label = "Chat", theme, color, language, header, token, tokenUrl } = script.dataset;
      const layout = layoutOf(script);
      const accent = /^#[\da-f]{6}$/i.test(color) && color;
      this.script = script;
      this.color = color;
      this.id = embed;
      this.label = label;
      this.origin = new URL(script.src).origin;
      this.look = { layout, theme: theme || "auto", accent, language, header };
      this.next = this.fetched = tokenUrl && (() => fetchToken(tokenUrl));
      this.source = token || this.next;
      this.kept = memory(`webapp-chat:${embed}`);
      this.handlers = {};
      this.waiting = [];
      this.told = {};
      this.turn = 0; // the newest answer counts
      this.unread = 0;
      this.view = new (layout === "bubble" ? Bubble : Plain)(this, script.dataset);
      this.dress();
      this.api = this.commands();
      addEventListener("message", (event) => this.hear(event));
    }

    get isReady() {
      return this.stage === "chat" && !this.change;
    }

    commands() {
      return {
        chats,
        of: (id) => chats[id]?.api,
        open: () => this.view.show(true),
        close: () => this.view.hide(),
        send: (text) => {
          check(isText(text));
          this.command("send", { text });
          this.load();
        },
        newConversation: () => this.command("newConversation"),
        setInputs: (inputs) => {
          check(inputs?.constructor === Object);
          this.command("setInputs", { inputs: structuredClone(inputs) });
        },
        setTheme: (theme) => {
          check(/^(auto|light|dark)$/.test(theme));
          this.tell("setTheme", { theme });
        },
        setLanguage: (language) => {
          check(isText(language));
          this.tell("setLanguage", { language });
        },
        identify: (source) => {
          check(source === null || isText(source) || isFunction(source));
          this.become(source, "identify", { token: null });
        },
        logout: () => void this.become(null, "logout"),
        on: (event, handler) => {
          check(EVENTS.includes(event) && isFunction(handler));
          const handlers = (this.handlers[event] ??= new Set()).add(handler);
          return () => handlers.delete(handler);
        },
      };
    }

    place() {
      if (this.view.host.isConnected) return;
      if (this.color && !this.look.accent) this.fail("color", this.color);
      this.view.place();
    }

    fail(code, message) {
      this.emit("error", { code, message });
    }

    emit(event, values = {}) {
      const handlers = this.handlers[event] ?? [];
      if (event === "error" && !handlers.size) console.error(values.code, values.message);
      for (const handler of handlers) {
        try {
          handler({ ...values });
        } catch (error) {
          reportError(error);
        }
      }
    }

    load() {
      if (this.frame) return;
      this.kept({ used: true });
      const look = Object.entries({ origin: location.origin, ...this.look }).filter((each) => each[1]);
      this.frame = make("iframe", {
        title: this.label,
        allow: "microphone; clipboard-write",
        referrerPolicy: "no-referrer",
        sandbox: "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads",
        src: `${this.origin}/embed/${this.id}?${new URLSearchParams(look)}`,
      });
      this.frame.onload = () => {
        this.frame.className = "loaded";
        if (this.view.host.shadowRoot.activeElement === this.frame) this.frame.contentWindow.focus();
      };
      this.view.panel.prepend(this.frame);
    }

    post(name, values) {
      this.frame.contentWindow?.postMessage({ type: `chat:${name}`, version: 1, ...values }, this.origin);
    }

    command(name, values) {
      if (this.isReady) this.post(name, values);
      else this.waiting.push([name, values]);
    }

    tell(name, values) {
      Object.assign(this.look, values);
      this.told[name] = values;
      this.dress();
      if (this.isReady) this.post(name, values);
    }

    dress() {
      const { theme } = this.look;
      this.view.set("color-scheme", theme === "auto" ? "light dark" : theme);
    }

    hear({ source, origin, data }) {
      if (!this.frame || source !== this.frame.contentWindow || origin !== this.origin || data?.version !== 1) return;
      const { type, version, ...values } = data;
      const { stage, count } = values;
      if (type === "chat:ready" && stage === "entry") this.enter();
      else if (type === "chat:ready" && stage === "chat") this.begin(values);
      else if (type === "chat:opened") this.isOpening = false;
      else if (type === "chat:closed" && !this.isOpening) this.view.hide();
      else if (type === "chat:unread" && count >= 0) this.count(count);
      else if (/^chat:(message|resize|error)$/.test(type)) {
        if (type === "chat:error" && this.stage === "answered") {
          this.stage = "refused";
          if (this.change) this.answer();
        }
        this.emit(type.slice(5), values);
      }
    }

    enter() {
      this.view.root.classList.remove("ready");
      this.post("hello");
      this.answer();
    }

    async answer(isLast) {
      const turn = ++this.turn;
      const { source } = this;
      let token = source;
      let error;
      this.stage = "asked";
      this.change = null;
      if (isFunction(source)) {
        try {
          token = await source();
          check(!token || isText(token));
        } catch (reason) {
          if (!isLast) return void setTimeout(() => turn === this.turn && this.answer(true), 1000);
          token = null;
          error = [source === this.fetched ? "token_url" : "token", `${reason}`];
        }
      } else this.source = this.next; // a token counts once
      if (turn !== this.turn) return;
      this.stage = "answered";
      this.known = token || error;
      if (error) this.fail(...error);
      this.post("identify", { token: token || null, unknown: error && true });
    }

    become(source, name, values) {
      const known = this.source || this.known;
      if (known || name === "logout") this.waiting = [];
      this.source = source;
      this.next = null;
      if (this.stage === "asked" || (this.stage === "refused" && (source || known))) return this.answer();
      this.change = [name, values];
      if (this.stage === "chat") this.post(name, values);
    }

    begin(values) {
      this.stage = "chat";
      this.turn++; // too late for a token
      if (this.change) return this.post(...this.change);
      this.view.root.classList.add("ready");
      this.tellOpen();
      for (const name in this.told) this.post(name, this.told[name]);
      for (const message of this.waiting.splice(0)) this.post(...message);
      this.emit("ready", values);
    }

    shown(open) {
      this.kept({ open });
      if (this.isReady) this.tellOpen();
      if (open) this.count(0);
      this.emit(open ? "opened" : "closed");
    }

    // until it has opened, `chat:closed` is an echo
    tellOpen() {
      this.isOpening = this.view.isOpen;
      this.post(this.isOpening ? "open" : "close");
    }

    count(count) {
      if (count === this.unread) return;
      this.unread = count;
      this.view.count(count);
      this.emit("unread", { count });
    }
  }

  class Plain {
    isOpen = true;

    constructor(chat, { height, target }) {
      this.chat = chat;
      this.target = target;
      this.root = this.panel = make("div", { className: "plain" });
      shadow(this);
      if (height) this.set("--height", height > 0 ? `${height}px` : height);
    }

    place() {
      const { chat, host, target } = this;
      const place = document.querySelector(target || "body");
      if (!place) return chat.fail("target", target);
      if (target || !place.contains(chat.script)) place.append(host);
      else chat.script.after(host);
      chat.load();
    }

    show() {}
    hide() {}
    count() {}
  }

  class Bubble {
    constructor(chat, { closeLabel = "Close", position, icon, greeting, draggable, open: opens, zIndex }) {
      const { greeted, place, open: wasOpen } = chat.kept();
      const cross = (onclick) => make("button", { className: "cross", ariaLabel: closeLabel, onclick }, make("i"));
      this.chat = chat;
      this.wish = wasOpen ? !PHONE.matches : wasOpen ?? opens === "true";
      const sign = icon ? make("img", { src: icon, alt: "", draggable: false }) : make("i");
      this.badge = make("b", { ariaHidden: true });
      const toggle = () => {
        if (!this.isDragged) this.isOpen ? this.hide() : this.show(true);
        this.isDragged = false;
      };
      this.button = make("button", { className: "bubble", onclick: toggle }, sign, this.badge);
      this.button.setAttribute("aria-controls", "panel");
      this.panel = make("dialog", { id: "panel", className: "card", ariaLabel: chat.label }, cross(() => this.hide()));
      this.root = make("div", { className: "chat" }, this.button, this.panel);
      shadow(this);
      if (greeting && !greeted) {
        const words = make("button", { className: "words", dir: "auto", onclick: toggle }, greeting);
        this.greeting = make("div", { className: "card greeting" }, words, cross(() => this.dismiss()));
        this.root.append(this.greeting);
      }
      if (zIndex) this.set("z-index", zIndex);
      if (chat.look.accent) this.set("--accent", chat.look.accent);
      this.stand(place ?? { isLeft: position === "left" });
      if (draggable === "true") this.makeDraggable();
      this.reveal();
      this.count(0);
      this.panel.oncancel = () => this.hide();
      this.root.onkeydown = (event) => {
        if (event.key !== "Escape" || !this.isOpen) return;
        event.stopPropagation();
        this.hide();
      };
      PHONE.addEventListener("change", () => this.isOpen && this.display(this.hasFocus));
    }

    get isOpen() {
      return this.panel.open;
    }
    get hasFocus() {
      return document.activeElement === this.host;
    }

    place() {
      document.body.append(this.host);
      if (this.wish) this.show();
      else if (this.chat.kept().used) (window.requestIdleCallback ?? setTimeout)(() => this.chat.load());
    }

    show(takesFocus) {
      this.wish = true;
      if (!this.host.isConnected || this.isOpen) return;
      this.chat.load();
      this.dismiss();
      this.display(takesFocus);
      this.chat.shown(true);
    }

    hide() {
      const { hasFocus } = this;
      this.wish = false;
      if (!this.isOpen) return;
      this.panel.close();
      this.reveal();
      if (hasFocus) this.button.focus();
      this.chat.shown(false);
    }

    display(takesFocus) {
      this.panel.close();
      if (PHONE.matches) this.panel.showModal();
      else this.panel.open = true; // `show()` takes the focus
      this.reveal();
      if (takesFocus) this.chat.frame.focus();
    }

    reveal() {
      this.button.ariaExpanded = this.isOpen;
      this.panel.ariaModal = PHONE.matches;
      this.host.toggleAttribute("open", this.isOpen);
    }

    count(count) {
      this.badge.textContent = count > 99 ? "99+" : count || "";
      this.button.ariaLabel = this.chat.label + (count ? ` (${count})` : "");
    }

    dismiss() {
      const { hasFocus } = this;
      this.greeting?.remove();
      this.chat.kept({ greeted: true });
      if (hasFocus) this.button.focus();
    }

    stand({ isLeft = false, isTop = false, x = 20, y = 20 }) {
      this.root.classList.toggle("left", isLeft);
      this.root.classList.toggle("top", isTop);
      this.set("--x", `${x}px`);
      this.set("--y", `${y}px`);
    }

    move(left, top) {
      const { width, height } = visualViewport;
      const right = width - SIZE - left;
      const bottom = height - SIZE - top;
      const x = Math.max(EDGE, Math.min(left, right));
      const y = Math.max(EDGE, Math.min(top, bottom));
      const place = { isLeft: left < right, isTop: top < bottom, x, y };
      this.stand(place);
      this.chat.kept({ place });
    }

    makeDraggable() {
      const { button } = this;
      let grip;
      button.onpointerdown = ({ clientX, clientY, pointerId }) => {
        const { left, top } = button.getBoundingClientRect();
        grip = [clientX - left, clientY - top];
        this.isDragged = false;
        button.setPointerCapture(pointerId);
      };
      button.onpointermove = ({ clientX, clientY }) => {
        if (!grip) return;
        const { left, top } = button.getBoundingClientRect();
        const [x, y] = [clientX - grip[0], clientY - grip[1]];
        this.isDragged ||= Math.hypot(x - left, y - top) > 6; // else a click
        if (this.isDragged) this.move(x, y);
      };
      button.onlostpointercapture = () => (grip = null);
    }
  }

  const layoutOf = ({ dataset: { layout } }) => (/^(compact|full)$/.test(layout) ? layout : "bubble");
  const isFunction = (value) => typeof value === "function";
  const isText = (value) => typeof value === "string" && value.trim();

  function check(isFine) {
    if (!isFine) throw new TypeError("WebappChat: unknown value");
  }

  async function fetchToken(url) {
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(8000) });
    if (answer.status === 401) return null;
    const text = (await answer.text()).trim();
    const token = text[0] === "{" ? JSON.parse(text).token : text;
    if (!answer.ok || (token && !/^[\w.-]+$/.test(token))) throw new Error(`${url}: ${answer.status}`);
    return token;
  }

  // storage may be denied
  function memory(name) {
    let kept;
    try {
      kept = JSON.parse(sessionStorage.getItem(name));
    } catch {}
    kept ??= {};
    return (changes) => {
      Object.assign(kept, changes);
      try {
        sessionStorage.setItem(name, JSON.stringify(kept));
      } catch {}
      return kept;
    };
  }

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function shadow(view) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    view.host = make("webapp-chat");
    const tree = view.host.attachShadow({ mode: "open" });
    tree.adoptedStyleSheets = [sheet];
    tree.append(view.root);
    view.set = (name, value) => sheet.cssRules[0].style.setProperty(name, value);
  }

  const STYLE = `
    div { --safe: env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom) env(safe-area-inset-left);
      --accent: light-dark(#1f6658, #7fc9b6); z-index: 2147483000; }
    :host { all: initial !important; display: contents !important; }
    * { box-sizing: border-box; }
    button { all: unset; outline: revert; cursor: pointer; }
    i { width: 24px; height: 24px; background: currentColor;
      clip-path: path("M6 3h12a4 4 0 0 1 4 4v7a4 4 0 0 1-4 4h-6l-5 4v-4h-1a4 4 0 0 1-4-4v-7a4 4 0 0 1 4-4z"); forced-color-adjust: none; }
    .cross i, [aria-expanded=true] i { display: block; clip-path: path("M6 7l1-1 5 5 5-5 1 1-5 5 5 5-1 1-5-5-5 5-1-1 5-5z"); }
    iframe { display: block; width: 100%; height: 100%; border: 0; opacity: 0; }
    .loaded { opacity: 1; }
    .plain { height: var(--height, 600px); }
    .chat { position: fixed; right: min(var(--x), 100vw - 72px); bottom: min(var(--y), 100dvh - 72px); margin: var(--safe);
      color: light-dark(#1f1d1a, #ece8e1); font: 15px/1.45 system-ui, sans-serif; }
    .bubble { display: grid; place-items: center; width: 56px; height: 56px; border-radius: 50%;
      color: oklch(from var(--accent) clamp(0, (0.68 - l) * 99, 1) 0 0); background: var(--accent); box-shadow: 0 4px 16px #0004;
      touch-action: none; }
    img { height: 32px; }
    b { position: absolute; top: -3px; right: -3px; min-width: 21px; padding: 0 6px; border-radius: 11px; font-size: 12px;
      line-height: 21px; text-align: center; color: #fff; background: #b3342a; }
    b:empty { display: none; }
    .card { position: absolute; inset: auto 0 68px auto; width: max-content; border: 1px solid light-dark(#e3ded5, #35322d);
      border-radius: 16px; background: light-dark(#fff, #191817); box-shadow: 0 8px 32px #0003; }
    .left { right: auto; left: min(var(--x), 100vw - 72px); }
    .left .card { right: auto; left: 0; }
    .top { bottom: auto; top: min(var(--y), 100dvh - 72px); }
    .top .card { bottom: auto; top: 68px; }
    .greeting { display: flex; max-width: 280px; }
    .words { padding: 12px 0 12px 16px; }
    .cross { align-self: start; padding: 11px; opacity: 0.7; }
    .chat dialog { width: min(400px, 100vw - var(--x) - 16px); height: min(640px, 100dvh - var(--y) - 84px); max-width: none;
      max-height: none; margin: 0; padding: 0; overflow: hidden; }
    dialog .cross { display: none; position: absolute; inset: 0 0 auto auto; margin: var(--safe); }
    @media (max-width: 599.98px) {
      .chat [open] { position: fixed; inset: 0; width: 100%; height: 100dvh; padding: var(--safe); border: 0; border-radius: 0; }
      .chat:not(.ready) dialog .cross { display: block; }
      [aria-expanded=true] { visibility: hidden; }
    }
    @media (prefers-reduced-motion: no-preference) {
      .card { animation: come 0.2s; }
    }
    @keyframes come { from { opacity: 0; translate: 0 10px; } }
  `;
  const page = new CSSStyleSheet();
  page.replaceSync("@media (max-width: 599.98px) { html:has(webapp-chat[open]) { overflow: hidden !important; } }");
  document.adoptedStyleSheets.push(page);

  const script = document.currentScript;
  const id = script.dataset.embed;
  const chat = (chats[id] ??= new Chat(script));
  const place = () => chat.place();
  if (!window.WebappChat?.chats) window.WebappChat = chat.api;
  if (chat.look.layout !== layoutOf(script)) chat.fail("embed", id);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", place);
  else place();
})();
