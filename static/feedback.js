/** What the reader thinks of an answer: shown at once, and told to the server, which may think otherwise. */

const RATINGS = ["like", "dislike"];
const MAX_COMMENT = 2000; // characters

export class Feedback {
  /** @param {(id: string, rating: string, comment: string) => void} tell @param {(words: string) => void} say */
  constructor(popover, words, tell, say) {
    this.popover = popover;
    this.words = words;
    this.tell = tell;
    this.say = say;
    this.drafts = new Map(); // message id -> comment that is not saved yet
  }

  /** Rate, or take the same rating back. */
  rate(turn, rating) {
    const group = turn.querySelector(".feedback");
    if (group.dataset.rating === rating) {
      this.popover.close();
      this.set(turn, "", "");
      this.say(this.words.withdrawn);
      return;
    }
    this.set(turn, rating, group.dataset.comment);
    this.say(rating === "like" ? this.words.liked : this.words.disliked);
    this.comment(turn);
  }

  /** Offer to say more. */
  comment(turn) {
    const id = turn.dataset.id;
    const { rating, comment } = turn.querySelector(".feedback").dataset;
    const form = this.form(this.drafts.get(id) ?? comment);
    const field = form.elements.comment;
    field.oninput = () => this.drafts.set(id, field.value);
    form.onsubmit = (event) => {
      event.preventDefault();
      this.done(turn, id);
      this.set(turn, rating, field.value.trim());
      this.say(this.words.saved);
    };
    form.elements.cancel.onclick = () => this.done(turn, id);
    form.onkeydown = (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    };
    this.popover.open(() => button(turn), form, this.words.label);
    if (matchMedia("(hover: hover)").matches) field.focus({ preventScroll: true }); // not where a keyboard would rise
  }

  done(turn, id) {
    this.drafts.delete(id);
    this.popover.close();
    button(turn).focus({ preventScroll: true });
  }

  set(turn, rating, comment) {
    const group = turn.querySelector(".feedback");
    group.dataset.rating = rating;
    group.dataset.comment = rating ? comment : "";
    for (const name of RATINGS) {
      group.querySelector(`[data-action=${name}]`).ariaPressed = String(name === rating);
    }
    const more = group.querySelector("[data-action=comment]");
    more.hidden = !rating;
    more.textContent = group.dataset.comment ? this.words.edit : this.words.add;
    this.tell(turn.dataset.id, rating, group.dataset.comment);
  }

  form(comment) {
    const form = document.createElement("form");
    form.className = "comment";
    form.innerHTML = `
      <label><span></span><textarea name="comment" rows="3" dir="auto" maxlength="${MAX_COMMENT}"
        data-testid="feedback-text"></textarea></label>
      <div class="comment-actions">
        <button type="button" name="cancel" class="button" data-testid="feedback-cancel"></button>
        <button type="submit" name="save" class="button is-primary" data-testid="feedback-save"></button>
      </div>`;
    form.querySelector("span").textContent = this.words.hint;
    form.elements.comment.value = comment;
    form.elements.cancel.textContent = this.words.cancel;
    form.elements.save.textContent = this.words.save;
    return form;
  }
}

/** The button that the form belongs to; the server may make it anew. */
const button = (turn) => turn.querySelector(".feedback [aria-pressed=true]") ?? turn.querySelector(".feedback button");
