// Keywords of a text; and a word with its neighbors, its related words and its senses.

import { ask, bar, element, field, remember, run, shape } from "./page.js";
import { shown, text } from "./texts.js";

export async function keywordsView(place) {
  const input = element("textarea", { id: "keywords-text", rows: "8" });
  const results = element("div");
  const form = element("form", { onsubmit: (event) => {
    event.preventDefault();
    if (!input.value.trim()) return input.focus();
    return run(form, async () => {
      const { keywords } = await ask("keywords", { text: input.value, top: 15 });
      return () => results.replaceChildren(keywords.length
        ? scored(keywords.map((one) => [one.text, one.score])) : element("p", {}, text("keywords.none")));
    });
  } }, field(text("keywords.text"), input), element("button", { type: "submit" }, text("keywords.run")));
  place.append(form, results);
}

export async function wordsView(place, parameters) {
  const known = element("datalist", { id: "known-words" });
  const input = element("input", { id: "words-word", type: "search", list: "known-words", autocomplete: "off", value: parameters.get("word") ?? "" });
  const results = element("div", { class: "results" });
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    if (!input.value.trim()) return;
    waiting = setTimeout(async () => {
      const found = await ask("suggest", { text: input.value, top: 8 }).catch(() => ({ suggestions: [] }));
      known.replaceChildren(...found.suggestions.map((one) => element("option", { value: one.word })));
    }, 150);
  });

  function look(word, isNew = true) {
    input.value = word;
    remember("words", new URLSearchParams({ word }), isNew);
    return run(form, async () => {
      let found;
      try {
        found = await Promise.all([ask("neighbors", { word, top: 10 }), ask("related", { word, top: 10, senses: true })]);
      } catch (error) {
        if (error.status !== 404) throw error;
        const { suggestions } = await ask("suggest", { text: word, top: 8 });
        return () => results.replaceChildren(element("p", {}, text("words.unknown")),
          element("p", { class: "chips" }, suggestions.map((one) => wordButton(one.word, look))));
      }
      const [{ neighbors, parts }, { related, senses }] = found;
      return () => results.replaceChildren(
        ...(parts ? [element("p", {}, text("words.parts", { words: parts.join("  ") }))] : []),
        element("div", { class: "columns" },
          element("section", {}, element("h2", {}, text("words.neighbors")),
            scored(neighbors.map((one) => [one.word, one.cosine]), look)),
          element("section", {}, element("h2", {}, text("words.related")),
            scored(related.map((one) => [one.word, one.score]), look, Math.exp))),
        element("section", {}, element("h2", {}, text("words.senses")), graph(word, senses), senseLists(senses, look)));
    });
  }

  const form = element("form", { class: "search", onsubmit: (event) => {
    event.preventDefault();
    return input.value.trim() ? look(input.value.trim()) : input.focus();
  } }, field(text("words.word"), input), known, element("button", { type: "submit" }, text("words.run")));
  place.append(form, results);
  if (input.value) await look(input.value, false);
}

function wordButton(word, look) {
  return element("button", { type: "button", class: "quiet", onclick: () => look(word) }, word);
}

/** A list of words with their scores as bars of the length `size`; with `look` each can be looked up. */
export function scored(pairs, look = null, size = (score) => score) {
  const most = Math.max(...pairs.map(([, score]) => size(score)), 1e-9);
  return element("ol", { class: "scored" }, pairs.map(([word, score]) => element("li", {},
    look ? wordButton(word, look) : element("span", {}, word), element("span", { class: "count" }, shown(score)), bar(size(score) / most))));
}

function senseLists(senses, look) {
  return element("div", { class: "columns" }, senses.map((sense, at) => element("section", { class: `sense sense-${at % 5}` },
    element("h3", {}, text("words.sense", { n: at + 1 })),
    element("p", { class: "chips" }, sense.related.slice(0, 8).map((one) => wordButton(one.word, look))))));
}

/** The word in the middle; each sense is a branch, with its best words around it. */
function graph(word, senses) {
  const [width, height, most] = [720, 420, 5];
  const parts = [];
  senses.slice(0, 6).forEach((sense, at, all) => {
    const angle = (2 * Math.PI * at) / all.length - Math.PI / 2;
    const [x, y] = [width / 2 + 170 * Math.cos(angle), height / 2 + 105 * Math.sin(angle)];
    parts.push(shape("line", { x1: width / 2, y1: height / 2, x2: x, y2: y, class: `branch sense-${at % 5}` }));
    sense.related.slice(0, most).forEach((one, place, words) => {
      const turn = angle + (place - (words.length - 1) / 2) * Math.min(0.9, 4.5 / words.length / all.length + 0.35);
      const [left, up] = [x + 110 * Math.cos(turn), y + 72 * Math.sin(turn)];
      parts.push(shape("line", { x1: x, y1: y, x2: left, y2: up, class: `branch sense-${at % 5}` }),
        shape("text", { x: left, y: up, class: "node" }, one.word));
    });
    parts.push(shape("circle", { cx: x, cy: y, r: 6, class: `sense-${at % 5}` }));
  });
  const groups = senses.map((sense) => sense.related.slice(0, 3).map((one) => one.word).join(", ")).join("; ");
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "graph", role: "img", "aria-label": text("words.graph", { word, groups }) },
    ...parts, shape("text", { x: width / 2, y: height / 2, class: "node middle" }, word));
}
