// What enrichment changes for judged queries, as a picture.

import { ask, element, field, indexMenu, run, shape, table } from "./page.js";
import { shown, text } from "./texts.js";

const MIN_DIFFERENCE = 0.01;

export async function view(place) {
  const index = await indexMenu("evaluation-index");
  const input = element("textarea", { id: "evaluation-queries", rows: "8", value: "" });
  input.value = sessionStorage.getItem("judged") ?? "";
  const results = element("div", { class: "results" });
  const form = element("form", { onsubmit: (event) => {
    event.preventDefault();
    if (!input.value.trim()) return input.focus();
    sessionStorage.setItem("judged", input.value);
    return run(form, async () => {
      const queries = parsed(input.value);
      const found = await ask("evaluate", { in: index.value, queries });
      return () => results.replaceChildren(...answer(found, new Map(queries.map((one) => [one.id, one]))));
    });
  } }, field(text("evaluation.queries"), input, text("evaluation.hint")), field(text("index"), index),
  element("button", { type: "submit" }, text("evaluation.run")));
  place.append(form, index.options.length ? results : element("p", { class: "notice" }, text("no.index")));
}

/** The judged queries of lines like `green tea | d12 d40=2`. */
function parsed(lines) {
  const found = [];
  lines.split("\n").forEach((line, at) => {
    if (!line.trim()) return;
    const [, words, ids] = line.match(/^(.*?)\s*(?:\t|\|)\s*(\S.*)$/) ?? [];
    if (!words?.trim()) throw new Error(text("evaluation.wrong", { n: at + 1 }));
    const grades = ids.trim().split(/\s+/).map((one) => {
      const [, id, grade] = one.match(/^(.*?)(?:=(\d+))?$/);
      return [id, Number(grade ?? 1)];
    });
    found.push({ id: String(at + 1), text: words.trim(), relevant: Object.fromEntries(grades) });
  });
  return found;
}

function answer(found, judged) {
  const rankings = element("div", { "aria-live": "polite" });
  const show = (one) => {
    rankings.replaceChildren(ranking(one, judged.get(one.id).relevant));
    rankings.scrollIntoView({ block: "nearest" });
  };
  const names = { words: text("evaluation.plain"), enriched: text("evaluation.enriched") };
  const rows = Object.entries(found.systems).map(([name, one]) => [names[name], shown(one["ndcg@10"]), shown(one["recall@100"]),
    shown(one.map), shown(one.mrr), String(one.helped), String(one.hurt), shown(one.ms, 1)]);
  const columns = [text("evaluation.system"), "nDCG@10", "Recall@100", "MAP", "MRR", text("evaluation.helped"), text("evaluation.hurt"), "ms"];
  return [
    table(text("evaluation.count", { n: found.queries }), columns, rows),
    element("section", {}, element("h2", {}, text("evaluation.gain")), picture(found.details, show), queryList(found.details, show)),
    rankings,
  ];
}

function kindOf(gain) {
  return gain > MIN_DIFFERENCE ? "helped" : gain < -MIN_DIFFERENCE ? "hurt" : "same";
}

/** A bar for each query, the largest gain first; a click shows its rankings. */
function picture(details, show) {
  const [width, height, edge] = [720, 240, 36];
  const gains = details.map((one) => one.gain);
  const most = Math.max(0.1, ...gains.map(Math.abs));
  const room = (width - edge) / details.length;
  const level = (gain) => height / 2 - (gain / most) * (height / 2 - 16);
  const bars = details.map((one, at) => shape("rect", {
    x: edge + at * room + Math.min(2, room / 8), width: Math.max(1, room - Math.min(4, room / 4)),
    y: Math.min(level(one.gain), level(0)) - 0.5, height: Math.abs(level(one.gain) - level(0)) + 1,
    class: kindOf(one.gain), onclick: () => show(one),
  }, shape("title", {}, `${one.text}: ${shown(one.gain)}`)));
  const lines = [most, 0, -most].map((gain) => [
    shape("line", { x1: edge, x2: width, y1: level(gain), y2: level(gain), class: gain ? "grid" : "axis" }),
    shape("text", { x: edge - 6, y: level(gain), class: "tick" }, shown(gain, 2))]);
  const count = (kind) => details.filter((one) => kindOf(one.gain) === kind).length;
  const label = text("evaluation.picture", { helped: count("helped"), hurt: count("hurt"), most: shown(Math.max(0, ...gains)), least: shown(Math.min(0, ...gains)) });
  return element("figure", {}, shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "gains", role: "img", "aria-label": label }, ...lines.flat(), ...bars),
    element("figcaption", { class: "hint" }, label));
}

function queryList(details, show) {
  return element("ul", { class: "chips" }, details.map((one) => element("li", {}, element("button", {
    type: "button", class: `quiet ${kindOf(one.gain)}`, "aria-label": text("evaluation.show", { query: one.text }), onclick: () => show(one),
  }, `${one.text} `, element("span", { class: "count" }, `${one.gain > 0 ? "+" : ""}${shown(one.gain)}`)))));
}

function ranking(one, relevant) {
  const list = (name, system) => element("section", {}, element("h3", {}, `${name}: ${shown(one["ndcg@10"][system])}`),
    element("ol", { class: "ranking" }, one.hits[system].map((id) => element("li", { class: relevant[id] ? "relevant" : null },
      relevant[id] ? `${id} ✓ ${text("evaluation.relevant")}` : id))));
  return element("section", {}, element("h2", {}, text("evaluation.show", { query: one.text })), element("div", { class: "columns" },
    list(text("evaluation.plain"), "words"), list(text("evaluation.enriched"), "enriched")));
}
