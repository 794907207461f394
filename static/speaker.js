/** Reads answers aloud, one at a time: a piece after the other, the next one fetched while one is heard. */

export class Speaker {
  /**
   * @param {Element} list of the messages; each has a button `[data-action=speak]` and one `[data-action=hush]`
   * @param {(id: string) => Promise<string>} pieces gives the names of an answer's pieces, "none" if there are none; "" if the page
   *   said why not
   * @param {(address: string, purpose: string, object: string) => Promise<string>} passing see `passes.js`
   * @param {(words: string) => void} say for those who listen
   */
  constructor(list, words, { pieces, passing, say }) {
    Object.assign(this, { list, words, pieces, passing, say, run: null, audio: new Audio() });
  }

  /** Begin, pause or go on, whichever comes next. */
  toggle(id) {
    if (this.run?.id !== id || this.run.phase === "loading") return this.run?.id === id ? this.stop() : this.start(id);
    if (this.run.phase === "playing") this.audio.pause();
    else this.audio.play().catch(() => this.stop());
    this.run.phase = this.run.phase === "playing" ? "paused" : "playing";
    return this.show();
  }

  /** @param {boolean} unasked nobody hears of it if the browser does not allow it */
  async start(id, unasked = false) {
    this.stop();
    const run = (this.run = { id, phase: "loading", leaving: new AbortController() });
    this.show();
    try {
      await this.read(run);
    } catch (problem) {
      const quiet = run.leaving.signal.aborted || (unasked && problem.name === "NotAllowedError");
      if (!quiet) this.fail(run, problem.words ?? this.words.speak_failed);
    }
    if (this.run === run) this.stop();
  }

  stop() {
    const { run } = this;
    this.run = null;
    run?.leaving.abort();
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.list.querySelector("[data-testid=message-speak-error]")?.remove();
    this.show();
  }

  /** The messages on the page have changed: so does what is shown of them. */
  close() {
    this.stop();
  }

  async read(run) {
    const named = await this.pieces(run.id);
    if (named === "none") throw Object.assign(new Error(), { words: this.words.nothing_to_read });
    const pieces = named ? named.split(" ") : [];
    let coming = pieces.length && this.fetch(run, pieces[0]);
    for (let at = 1; at <= pieces.length; at++) {
      const sound = await coming;
      coming = at < pieces.length ? this.fetch(run, pieces[at]) : null;
      coming?.catch(() => {}); // told when its turn comes
      await this.play(run, sound);
    }
  }

  /** Whole, though it comes in a stream: some browsers play nothing of which they can't have any part first. */
  async fetch(run, piece) {
    const address = await this.passing(`/speech/${run.id}/${piece}`, "speak", run.id);
    const response = await fetch(address, { signal: run.leaving.signal });
    if (response.ok) return response.blob();
    const { message } = await response.json().catch(() => ({}));
    throw Object.assign(new Error(), { words: message });
  }

  async play(run, sound) {
    const { signal } = run.leaving;
    signal.throwIfAborted();
    const url = (this.audio.src = URL.createObjectURL(sound));
    try {
      const over = new Promise((resolve, reject) => {
        this.audio.onended = resolve;
        this.audio.onerror = () => reject(this.audio.error);
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      over.catch(() => {});
      await this.audio.play();
      run.phase = "playing";
      this.show();
      await over;
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  fail(run, words) {
    if (this.run === run) this.stop();
    const note = document.createElement("span");
    Object.assign(note, { className: "note is-problem", textContent: words });
    note.dataset.testid = "message-speak-error";
    this.button(run.id)?.closest(".speech").append(note);
    this.say(words);
  }

  /** What each button does now. Messages come and go, so all of them are looked at. */
  show() {
    for (const button of this.list.querySelectorAll("[data-action=speak]")) {
      const phase = button.closest("[data-id]").dataset.id === this.run?.id ? this.run.phase : "";
      const words = { "": this.words.speak, loading: this.words.speak_cancel, playing: this.words.pause, paused: this.words.go_on }[phase];
      const icon = { "": "sound", loading: "sound", playing: "pause", paused: "play" }[phase];
      Object.assign(button, { ariaLabel: words, title: words });
      button.dataset.phase = phase;
      button.firstElementChild.className = `icon icon-${icon}`;
      const hush = button.nextElementSibling;
      if (hush === document.activeElement && !phase) button.focus({ preventScroll: true });
      hush.hidden = !phase || phase === "loading";
    }
  }

  button(id) {
    return this.list.querySelector(`[data-id="${CSS.escape(id)}"] [data-action=speak]`);
  }
}
