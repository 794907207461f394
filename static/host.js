/** Talks with the page of another site that shows ours: what it wants, and what it is told. Draws next to nothing. */
import { fillTimes } from "dates";
import { isLanguage } from "language";
import { fillNumbers } from "numbers";
import { fits } from "origins";
import { passBy } from "passes";
import { act } from "shortcuts";
import { begin, ended, hide, isFrom, isShown, ready, show, tell, VERSION } from "site";

const PATIENCE = 10_000; // ms for a pass
const THEMES = ["auto", "light", "dark"];
const FILE = /^\/files\/([\w-]+)$/;

export default {
  props: { words: Object, embed: String, origins: Array, entrance: String, closable: Boolean },
  emits: ["send", "new", "inputs", "pass", "leave"],
  template: `<div hidden data-testid="host"></div>`,

  created() {
    this.calls = new Map(); // number -> who waits for a pass
    this.last = 0;
    begin(this.embed, this.origins);
    passBy(this.ask);
  },
  mounted() {
    this.forgetTicket();
    this.listeners = [
      [window, "message", this.hear],
      [window, "keydown", this.key],
      [window, "focus", this.settle],
      [document, "click", this.follow, true],
      [document, "error", this.renew, true],
    ];
    for (const [target, ...listener] of this.listeners) target.addEventListener(...listener);
    this.watchHeight();
    this.settle();
    whenConnected(ready);
  },
  unmounted() {
    for (const [target, ...listener] of this.listeners) target.removeEventListener(...listener);
    this.heights.disconnect();
  },

  methods: {
    // called by the server, see `host.py`

    message(role, status, conversation, text) {
      if (role === "assistant") ended();
      tell("message", { role, status, conversation, ...(text === null ? {} : { text }) });
    },
    error(code, message) {
      tell("error", { code, message });
    },
    give(call, query) {
      this.calls.get(call)?.(query);
      this.calls.delete(call);
    },

    // what the host's page wants

    hear({ data, origin, source }) {
      if (source !== parent || data?.version !== VERSION || !this.origins.some((allowed) => fits(origin, allowed))) return;
      const [prefix, name] = typeof data.type === "string" ? data.type.split(":") : [];
      if (prefix !== "chat" || !Object.hasOwn(this.wishes, name)) return;
      isFrom(origin);
      this.wishes[name](data);
    },

    // passes, for what goes over plain HTTP

    ask(purpose, object) {
      const call = ++this.last;
      this.$emit("pass", [call, purpose, object]);
      return new Promise((give, fail) => {
        this.calls.set(call, give);
        setTimeout(() => this.calls.delete(call) && fail(new Error("no pass has come")), PATIENCE);
      });
    },
    /** The pass behind a link may be too old by now. */
    async follow(event) {
      const link = event.target.closest?.("a[href]");
      const [, file] = link?.pathname.match(FILE) ?? [];
      if (!file || link.origin !== location.origin || link.dataset.fresh || link.matches(".image")) return;
      event.preventDefault();
      event.stopPropagation();
      const rest = new URLSearchParams(link.search).has("download") ? "&download=1" : "";
      link.href = `${link.pathname}?${await this.ask("file", file)}${rest}`;
      link.dataset.fresh = "yes";
      link.click();
      delete link.dataset.fresh;
    },
    /** And so may that of a picture that is only drawn now. */
    async renew(event) {
      const { target } = event;
      const url = target.src && new URL(target.src, location.href);
      const [, file] = (url && url.origin === location.origin && url.pathname.match(FILE)) || [];
      if (!file || target.dataset.renewed) return;
      target.dataset.renewed = "yes";
      event.stopPropagation(); // it is not broken yet
      target.src = `${url.pathname}?${await this.ask("file", file)}`;
    },

    /** It leads in once; what is left in the address would lead nowhere. */
    forgetTicket() {
      const url = new URL(location.href);
      url.searchParams.delete("t");
      history.replaceState(history.state, "", url);
    },

    /** The focus has been given to us: where people write, it is of use. */
    settle() {
      setTimeout(() => {
        // whoever comes by the Tab key has an element by now, and is not to be led past what stands before
        const isLost = document.activeElement === document.body;
        if (document.hasFocus() && isLost && matchMedia("(hover: hover)").matches) act("write");
      });
    },

    /** Escape closes what is open; at last, the chat itself. */
    key(event) {
      if (!this.closable || event.key !== "Escape" || event.shiftKey || event.isComposing) return;
      if (document.querySelector("dialog[open], :popover-open, .is-drawer.is-open")) return;
      setTimeout(() => event.defaultPrevented || hide());
    },

    watchHeight() {
      let told = 0;
      this.heights = new ResizeObserver(() => {
        const page = document.querySelector(".page");
        const scroller = document.querySelector(".thread-scroll");
        const height = Math.ceil(page.offsetHeight - scroller.clientHeight + scroller.scrollHeight);
        if (height !== told) tell("resize", { height: (told = height) });
      });
      for (const node of document.querySelectorAll(".thread-scroll, .thread-column, .composer")) this.heights.observe(node);
    },
  },
  computed: {
    wishes() {
      return {
        open: show,
        close: () => isShown() && hide(),
        send: ({ text }) => typeof text === "string" && text.trim() && this.$emit("send", [text]),
        newConversation: () => this.$emit("new", []),
        setInputs: ({ inputs }) => this.$emit("inputs", [JSON.stringify(inputs ?? null)]),
        setTheme({ theme }) {
          if (THEMES.includes(theme)) document.documentElement.dataset.theme = theme;
        },
        setLanguage({ language }) {
          if (typeof language === "string" && isLanguage(language)) write(language);
        },
        identify: () => location.replace(this.entrance),
        logout: () => this.$emit("leave", []),
      };
    },
  },
};

/** Numbers and dates that stand there already are written anew. */
function write(language) {
  document.documentElement.dataset.language = language;
  for (const node of document.querySelectorAll("time[datetime], data[data-as]")) node.textContent = "";
  fillTimes(document);
  fillNumbers(document);
}

/** NiceGUI makes its socket after our element is mounted. */
function whenConnected(then) {
  if (window.socket?.connected) then();
  else if (window.socket) window.socket.once("connect", then);
  else setTimeout(() => whenConnected(then), 20);
}
