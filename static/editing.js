/** A question that is written anew, in its own place. */

/**
 * @param {Element} turn
 * @param {string} text all of the question
 * @param {boolean} mayBeEmpty files go along with it
 * @param {(text: string) => Promise<void>} send
 */
export function edit(turn, text, words, mayBeEmpty, send) {
  const hidden = [turn.querySelector(".question"), turn.querySelector(".asked-actions")];
  const form = document.createElement("form");
  form.className = "editor";
  form.dataset.editing = "";
  form.innerHTML = `
    <textarea data-testid="edit-input" dir="auto" enterkeyhint="send" autocomplete="off"></textarea>
    <p class="editor-note" role="status"></p>
    <div class="dialog-actions">
      <button type="button" class="button" data-testid="edit-cancel"></button>
      <button type="submit" class="button is-main" data-testid="edit-send"></button>
    </div>`;
  const [area, note] = [form.querySelector("textarea"), form.querySelector("p")];
  const [cancel, submit] = form.querySelectorAll("button");
  area.ariaLabel = words.editing;
  area.value = text;
  note.id = `${turn.dataset.id}-editor-note`;
  area.setAttribute("aria-describedby", note.id);
  [note.textContent, cancel.textContent, submit.textContent] = [words.edit_note, words.edit_cancel, words.edit_send];

  const check = () => {
    submit.ariaDisabled = String(!area.value.trim() && !mayBeEmpty);
    grow(area);
  };
  const close = () => {
    form.remove();
    for (const each of hidden) each.hidden = false;
    hidden[1].querySelector("[data-action=edit]").focus({ preventScroll: true });
  };
  const hand = async () => {
    if (submit.ariaDisabled === "true") return;
    note.classList.remove("is-warning");
    note.textContent = words.edit_note;
    try {
      await send(area.value);
    } catch (problem) {
      note.classList.add("is-warning");
      note.textContent = problem.message;
    }
  };
  area.addEventListener("input", check);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    hand();
  });
  cancel.addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return; // 229: Safari's last key of a composition
    if (event.key === "Escape") {
      event.stopPropagation(); // elsewhere it stops the answer
      event.preventDefault();
      close();
    } else if (event.target === area && event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      hand();
    }
  });

  for (const each of hidden) each.hidden = true;
  hidden[0].after(form);
  check();
  area.focus({ preventScroll: true });
  area.setSelectionRange(text.length, text.length);
  form.scrollIntoView({ block: "nearest" });
}

/** For browsers without `field-sizing`. */
function grow(area) {
  if (CSS.supports("field-sizing", "content")) return;
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}
