/** `described()`: the conversation on the page, as somebody sees it. `drawn()`: its turns to the last attribute. */
(() => {
  const folded = (element) => element.textContent.replace(/\s+/g, " ").trim(); // what is closed has no inner text
  const words = (element) => element.innerText.replace(/\s+/g, " ").trim();
  const all = (root, selector, read = words) =>
    [...root.querySelectorAll(selector)].filter((element) => element.checkVisibility()).map(read);
  // upstream does not tell how long a tool took: we look at the clock
  const untimed = (text, isTool) => (isTool ? text.replace(/ · [\d.]+ s/, "") : text);

  function step(item) {
    let depth = 0;
    for (let at = item.parentElement.closest("li"); at; at = at.parentElement.closest("li")) depth += 1;
    const isTool = item.querySelector(":scope > .step-more");
    const [title, state] = [".step-title", ".step-state"].map((each) => folded(item.querySelector(each)));
    return "  ".repeat(depth) + untimed(`${title}: ${state}`, isTool);
  }

  function turn(article) {
    article.style.contentVisibility = "visible"; // what is out of sight has no inner text
    const reply = article.querySelector(".reply");
    const [thought, line] = [reply.querySelector("[data-testid=reasoning]"), reply.querySelector(".steps > summary")];
    return {
      question: article.querySelector(".question").textContent,
      attached: [...article.querySelectorAll("[data-part=files] img")].map((image) => image.alt),
      status: reply.dataset.status,
      text: words(reply.querySelector("[data-testid=message-text]")),
      thought: thought.hidden ? "" : thought.querySelector(".reasoning").textContent.trim(),
      isOpen: thought.open,
      line: line ? untimed(folded(line), reply.querySelector(".step-more")) : "",
      steps: [...reply.querySelectorAll("[data-testid=step]")].map(step),
      details: [...reply.querySelectorAll(".step-more pre")].map((pre) => pre.textContent),
      pictures: [...reply.querySelectorAll(".made img")].map((image) => (image.naturalWidth ? image.alt : "broken")),
      sources: all(reply, "[data-testid=citation]", (chip) => chip.ariaLabel),
      error: all(reply, ".failure").join(" "),
      notes: all(reply, ".foot .actions > .note"),
      usage: all(reply, "[data-testid=usage]").join(" "),
      actions: all(reply, ".foot [data-action]:not([data-action=usage], [data-action=hush])", (button) => button.dataset.action),
    };
  }

  /** Without how far it has been read aloud: where that is done unasked, it is done once. */
  window.drawn = () =>
    [...document.querySelectorAll(".turn")].map((article) => {
      const turn = article.cloneNode(true);
      for (const speech of turn.querySelectorAll(".speech")) speech.replaceChildren();
      return turn.outerHTML;
    });

  window.described = () => ({
    turns: [...document.querySelectorAll(".turn")].map(turn),
    next: all(document, "[data-testid=suggested-question]"),
  });
})();
