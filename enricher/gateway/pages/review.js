// The review of candidates: one word at a time with its evidence; the keys are those of the terminal.

import { ask, element, field, marked, remember, say, showProblem } from "./page.js";
import { shown, text } from "./texts.js";

const KEYS = { a: "accept", r: "reject", m: "merge", s: "skip" };
const FILTERS = ["undecided", "open", "accept", "reject", "merge", "skip", "all"];
const EXAMPLES = ["example_1", "example_2"];
const KNOWN = { yes: "review.yes", no: "review.no", added: "review.added", unused: "review.unused" };
const LABELS = {
  known: "review.known",
  score: "score", count: "review.count", background: "review.background", contrast: "review.contrast",
  cohesion: "review.cohesion", boundary_entropy: "review.boundary", isolated: "review.isolated",
  nearest: "review.nearest",
};
const STATES = {
  undecided: "review.undecided", open: "review.open", accept: "review.accepted", reject: "review.rejected",
  merge: "review.merged", skip: "review.skipped", all: "review.all",
};

export async function view(place, parameters, signal) {
  const { files } = await ask("reviews");
  if (signal.aborted) return;
  if (!files.length) return void place.append(element("p", { class: "notice" }, text("review.no.files")));
  const review = new Review(place, signal, files.map((one) => one.file), parameters);
  document.addEventListener("keydown", (event) => review.pressed(event), { signal });
  await review.load(false);
}

/** A file, the words of it that are shown, and which one is decided about. */
class Review {
  constructor(place, signal, files, parameters) {
    Object.assign(this, { signal, rows: [], at: 0, left: 0, past: [], isBusy: false });
    const option = (chosen, label = (one) => one) => (one) =>
      element("option", { value: one, selected: one === chosen }, label(one));
    const reload = () => this.load(true);
    this.file = element("select", { id: "review-file", onchange: reload }, files.map(option(parameters.get("file"))));
    this.state = element("select", { id: "review-state", onchange: reload },
      FILTERS.map(option(parameters.get("state"), (one) => text(STATES[one]))));
    this.author = element("input", { id: "review-author", type: "text", maxlength: "200", autocomplete: "name",
      value: localStorage.getItem("author") ?? "", onchange: () => localStorage.setItem("author", this.author.value.trim()) });
    this.keys = element("input", { id: "review-keys", type: "checkbox", checked: localStorage.getItem("keys") !== "off",
      onchange: () => localStorage.setItem("keys", this.keys.checked ? "on" : "off") });
    this.progress = element("progress", { id: "review-progress" });
    this.counts = element("p", { class: "hint" });
    this.card = this.newCard();
    this.list = element("ol", { class: "review-words" });
    this.more = element("button", { type: "button", class: "quiet", onclick: () => this.work(() => this.loadMore()) }, text("review.more"));
    place.append(
      element("div", { class: "row" }, field(text("review.file"), this.file), field(text("review.state"), this.state),
        field(text("review.author"), this.author),
        element("p", { class: "check" }, this.keys, element("label", { for: "review-keys" }, text("review.keys")))),
      element("div", {}, element("label", { for: "review-progress" }, text("review.progress")), this.progress, this.counts),
      element("div", { class: "columns review" }, this.card,
        element("section", {}, element("h2", {}, text("review.list")), this.list, this.more)));
  }

  newCard() {
    const button = (key, label, decide) => element("button", { type: "button", class: key === "a" ? null : "quiet", "aria-keyshortcuts": key, onclick: decide },
      text(label), element("kbd", { "aria-hidden": "true" }, key));
    this.word = element("h2", { class: "word", tabindex: "-1" });
    this.about = element("p", {});
    this.examples = element("div", { class: "examples" });
    this.evidence = element("dl", { class: "evidence" });
    this.comment = element("input", { id: "review-comment", type: "text", maxlength: "2000", autocomplete: "off" });
    this.expiry = element("input", { id: "review-expiry", type: "date" });
    this.into = element("input", { id: "review-into", type: "text", maxlength: "200", list: "review-others", autocomplete: "off", required: true });
    this.others = element("datalist", { id: "review-others" });
    this.merging = element("form", { class: "row", hidden: true, onsubmit: (event) => {
      event.preventDefault();
      this.decide("merge", this.into.value);
    } }, field(text("review.into"), this.into), this.others,
    element("button", { type: "submit" }, text("review.merge")),
    element("button", { type: "button", class: "quiet", onclick: () => this.merge(false) }, text("review.cancel")));
    this.undoing = button("u", "review.undo", () => this.undo());
    this.buttons = element("div", { class: "chips" },
      button("a", "review.accept", () => this.decide("accept")), button("r", "review.reject", () => this.decide("reject")),
      button("m", "review.merge", () => this.merge(true)), button("s", "review.skip", () => this.decide("skip")), this.undoing);
    this.details = element("div", { class: "row" }, field(text("review.comment"), this.comment), field(text("review.expiry"), this.expiry));
    return element("section", { class: "card" }, this.word, this.about, this.examples, this.evidence, this.details, this.buttons, this.merging);
  }

  /** Show the words that the address or the menus ask for. */
  load(isNew) {
    return this.work(async () => {
      remember("review", new URLSearchParams({ file: this.file.value, state: this.state.value }), isNew);
      Object.assign(this, { rows: [], at: 0, past: [] });
      await this.loadMore();
    });
  }

  async loadMore() {
    const asked = { file: this.file.value, state: this.state.value, after: this.rows.at(-1)?.word ?? null };
    const found = await ask("reviews/words", asked);
    const known = new Set(this.rows.map((one) => one.word));
    this.rows.push(...found.words.filter((one) => !known.has(one.word)));
    this.left = found.left;
    this.showCounts(found.states);
    this.showRows();
  }

  /** Do one thing after the other, and show what went wrong. Keys that are pressed meanwhile do nothing. */
  async work(task) {
    if (this.isBusy) return;
    this.isBusy = true;
    showProblem(null);
    try {
      await task();
    } catch (error) {
      if (!this.signal.aborted) showProblem(error);
    } finally {
      this.isBusy = false;
    }
  }

  pressed(event) {
    const target = event.target;
    const isTyping = ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) && target.type !== "checkbox";
    if (event.key === "Escape" && !this.merging.hidden) return this.merge(false);
    if (isTyping || !this.keys.checked || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return undefined;
    const key = event.key.toLowerCase();
    if (key !== "u" && !(key in KEYS)) return undefined;
    event.preventDefault();
    if (key === "u") return this.undo();
    return key === "m" ? this.merge(true) : this.decide(KEYS[key]);
  }

  /** Ask for the word to merge into, or stop asking. */
  merge(isAsked) {
    if (isAsked && !this.rows[this.at]) return;
    this.merging.hidden = !isAsked;
    this.into.value = isAsked ? this.rows[this.at].decision.into : "";
    if (isAsked) this.into.focus();
    else this.buttons.children[2].focus();
  }

  decide(state, into = "") {
    const at = this.at;
    const row = this.rows[at];
    if (!row) return undefined;
    return this.work(async () => {
      const decision = { state, into, author: this.author.value.trim(), comment: this.comment.value, expiry: this.expiry.value };
      const found = await this.write(at, row.decision, decision);
      this.past.push([row.word, row.decision, found.decision]);
      this.at = at + 1;
      if (this.at === this.rows.length && this.left) await this.loadMore();
      this.showRows();
      const next = this.rows[this.at];
      say(`${found.word}: ${text(STATES[found.state])}. ${next ? next.word : text("review.end")}`);
    });
  }

  undo() {
    if (!this.past.length) return undefined;
    return this.work(async () => {
      const [word, before, since] = this.past.pop();
      const at = this.rows.findIndex((one) => one.word === word);
      if (at < 0) return;
      const found = await this.write(at, since, before);
      this.at = at;
      this.showRows();
      say(`${text("review.undo")}: ${found.word}`);
    });
  }

  /** Write a decision, and return the word. Throws if somebody else has changed it meanwhile, and shows what it is now. */
  async write(at, seen, decision) {
    const row = this.rows[at];
    try {
      const found = await ask("reviews/decide", { file: this.file.value, word: row.word, seen, decision });
      this.rows[at] = found.word;
      this.showCounts(found.states);
      return found.word;
    } catch (error) {
      if (error.status === 404) {
        this.rows.splice(at, 1);
        this.showRows();
      }
      if (error.status !== 409) throw error;
      const found = await ask("reviews/words", { file: this.file.value, word: row.word });
      this.rows[at] = found.words[0];
      this.showCounts(found.states);
      this.showRows();
      throw new Error(text("review.changed", { word: row.word, state: stateText(this.rows[at]) }));
    }
  }

  showCounts(states) {
    const all = Object.values(states).reduce((sum, one) => sum + one, 0);
    Object.assign(this.progress, { max: Math.max(1, all), value: all - states.open - states.skip });
    this.counts.textContent = ["accept", "reject", "merge", "skip", "open"]
      .map((state) => `${text(STATES[state])} ${shown(states[state])}`).join(" · ");
  }

  showRows() {
    this.list.replaceChildren(...this.rows.map((row, at) => element("li", {}, element("button", {
      type: "button", class: "quiet", "aria-current": at === this.at ? "true" : null, onclick: () => this.go(at),
    }, row.word, row.state === "open" ? null : element("span", { class: `badge ${row.state}` }, text(STATES[row.state]))))));
    const [list, current] = [this.list, this.list.children[this.at]];
    if (current) list.scrollTop = current.offsetTop - list.offsetTop - list.clientHeight / 3;
    this.more.hidden = !this.left;
    this.undoing.disabled = !this.past.length;
    this.others.replaceChildren(...this.rows.map((one) => element("option", { value: one.word })));
    this.showWord(this.rows[this.at]);
  }

  go(at) {
    if (this.isBusy) return;
    this.at = at;
    this.showRows();
    this.list.children[at].firstChild.focus({ preventScroll: true });
  }

  showWord(row) {
    [...this.buttons.children].slice(0, 4).forEach((one) => { one.disabled = !row; });
    this.details.hidden = !row;
    if (this.merging.contains(document.activeElement)) this.word.focus();
    this.merging.hidden = true;
    this.word.textContent = row ? row.word : text(this.rows.length ? "review.end" : "review.none");
    this.about.textContent = row ? stateText(row) : "";
    this.comment.value = row?.decision.comment ?? "";
    this.expiry.value = row && row.state !== "open" ? row.decision.expiry : "";
    const evidence = Object.entries(row?.evidence ?? {}).filter(([, value]) => value);
    this.examples.replaceChildren(...evidence.filter(([name]) => EXAMPLES.includes(name))
      .map(([, sentence]) => element("blockquote", {}, withMark(sentence, row.word))));
    this.evidence.replaceChildren(...evidence.filter(([name]) => !EXAMPLES.includes(name)).map(([name, value]) =>
      element("div", {}, element("dt", {}, name in LABELS ? text(LABELS[name]) : name), element("dd", {}, name === "known" && value in KNOWN ? text(KNOWN[value]) : value))));
  }
}

/** What is decided about a word, by whom and until when. */
function stateText(row) {
  const { author, into, expiry } = row.decision;
  const name = row.state === "merge" ? `${text(STATES.merge)}: ${into}` : text(STATES[row.state]);
  const isOver = row.state === "open" && row.decision.state !== "open";
  return [name, author && text("review.by", { author }), expiry && text(isOver ? "review.until.over" : "review.until", { expiry })]
    .filter(Boolean).join(" · ");
}

/** A sentence with the word marked, which is found as the service finds it: whatever its case, width and spaces. */
function withMark(sentence, word) {
  const plainOf = (part) => part.normalize("NFKC").toLowerCase().replace(/\s/g, "");
  const [term, starts] = [plainOf(word), []];
  let [plain, at, line, end] = ["", 0, "", 0];
  for (const character of sentence) {
    const folded = plainOf(character);
    plain += folded;
    for (let unit = 0; unit < folded.length; unit += 1) starts.push([at, at + character.length]);
    at += character.length;
  }
  for (let found = plain.indexOf(term); term && found >= 0; found = plain.indexOf(term, found + term.length)) {
    const [from, to] = [starts[found][0], starts[found + term.length - 1][1]];
    line += `${sentence.slice(end, from)}\u0001${sentence.slice(from, to)}\u0002`;
    end = to;
  }
  return marked(line + sentence.slice(end));
}
