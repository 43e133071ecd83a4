// Search with and without enrichment, side by side: what moved, and why.

import { ask, bar, element, field, indexMenu, marked, remember, run, table } from "./page.js";
import { reasonText, shown, text } from "./texts.js";

const TAGS = ["\u0001", "\u0002"];

export async function view(place, parameters, signal) {
  const filters = parameters.getAll("filter");
  const index = await indexMenu("search-index");
  if (signal.aborted) return;  // another view is shown by now, and the address is its own
  const query = element("input", { id: "search-query", type: "search", value: parameters.get("query") ?? "", autocomplete: "off" });
  const top = element("input", { id: "search-top", type: "number", min: "1", max: "100", value: parameters.get("top") ?? "10" });
  const facets = element("input", { id: "search-facets", type: "text", value: parameters.get("facet") ?? "keywords", autocomplete: "off" });
  const filter = element("input", { id: "search-filter", type: "text", autocomplete: "off" });
  const chips = element("ul", { class: "chips" });
  const results = element("div", { class: "results" });
  if (parameters.get("index")) index.value = parameters.get("index");

  function showChips() {
    chips.replaceChildren(...filters.map((one) => element("li", {}, element("button", {
      type: "button", "aria-label": text("remove", { filter: one }), onclick: () => toggle(one),
    }, `${one} ×`))));
  }

  function toggle(one) {
    const at = filters.indexOf(one);
    if (at < 0) filters.push(one);
    else filters.splice(at, 1);
    showChips();
    if (query.value.trim()) search();
  }

  function addFilter() {
    const one = filter.value.trim();
    filter.value = "";
    if (one && !filters.includes(one)) toggle(one);
  }

  function search(isNew = true) {
    const words = query.value.trim();
    if (!words) return query.focus();
    const address = new URLSearchParams({ query: words, index: index.value, top: top.value, facet: facets.value });
    filters.forEach((one) => address.append("filter", one));
    remember("search", address, isNew);
    return run(form, async () => {
      const asked = {
        query: words, in: index.value, top: Number(top.value) || 10, filter: filters, highlight_tags: TAGS,
        facet: facets.value.split(/[,，\s]+/).filter(Boolean),
      };
      const [plain, enriched, why] = await Promise.all([
        ask("search", { ...asked, expansion: false, facet: [] }), ask("search", { ...asked, explain: true }),
        ask("explain", { query: words, in: index.value }),
      ]);
      return () => results.replaceChildren(...answer(plain, enriched, why, filters, toggle));
    });
  }

  const form = element("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); search(); } },
    field(text("search.query"), query, text("search.hint")), field(text("index"), index), field(text("top"), top),
    element("button", { type: "submit" }, text("search.run")),
    element("div", { class: "wide row" },
      field(text("search.filter"), filter, text("search.filter.hint")),
      element("button", { type: "button", class: "quiet", onclick: addFilter }, text("search.filter.add")),
      field(text("search.facets"), facets, text("search.facets.hint"))),
    chips);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      addFilter();
    }
  });
  showChips();
  place.append(form, index.options.length ? results : element("p", { class: "notice" }, text("no.index")));
  if (query.value) await search(false);
}

function answer(plain, enriched, why, filters, toggle) {
  const added = enriched.expansion.filter((term) => term.origin !== "query");
  const before = new Map(plain.hits.map((hit, at) => [hit.id, at + 1]));
  const after = new Map(enriched.hits.map((hit, at) => [hit.id, at + 1]));
  const columns = [
    column(text("search.plain"), plain, (hit) => after.has(hit.id) ? null : badge("gone", text("search.gone"))),
    column(text("search.enriched"), enriched, (hit, rank) => moved(before.get(hit.id), rank), (hit) => reasonOf(hit, enriched)),
  ];
  return [
    element("div", { class: "columns" }, columns),
    facetLists(enriched.facets, filters, toggle),
    element("section", {}, element("h2", {}, text("search.added")),
      why.unknown.length ? element("p", {}, text("search.unknown", { words: why.unknown.join(", ") })) : null,
      added.length ? termTable(added) : element("p", {}, text("search.nothing")),
      enriched.vector ? element("p", { class: "hint" }, text("vector.share",
        { head: shown(100 * enriched.vector.head, 0), rest: shown(100 * enriched.vector.rest, 0) })) : null,
      refused(why.candidates.filter((one) => !one.added))),
  ];
}

/** "added" for a marked word that was added to the query, null for one that was typed. Endings may differ. */
export function kindOfWord(word, terms) {
  const form = word.toLowerCase();
  const isOf = (term) => form.startsWith(term.term.toLowerCase()) || term.term.toLowerCase().startsWith(form);
  const isTyped = terms.some((term) => term.origin === "query" && isOf(term));
  return !isTyped && terms.some((term) => term.origin !== "query" && isOf(term)) ? "added" : null;
}

function column(name, found, note, reason = () => null) {
  const kindOf = (word) => kindOfWord(word, found.expansion);
  const hits = found.hits.map((hit, at) => element("li", {},
    element("article", {},
      element("h3", {}, hit.title || hit.id, " ", note(hit, at + 1)),
      hit.highlight.map((line) => element("p", {}, marked(line, kindOf))),
      hit.keywords.length ? element("p", { class: "keywords" }, hit.keywords.join(" · ")) : null,
      reason(hit))));
  return element("section", {}, element("h2", {}, name),
    element("p", { class: "hint" }, text("search.hits", { total: shown(found.total), ms: shown(found.took_ms, 1) })),
    hits.length ? element("ol", { class: "hits" }, hits) : element("p", {}, text("search.none")));
}

function badge(kind, words) {
  return element("span", { class: `badge ${kind}` }, words);
}

function moved(before, rank) {
  if (before === undefined) return badge("new", text("search.new"));
  if (before === rank) return badge("same", text("search.same"));
  return before > rank ? badge("up", `▲ ${text("search.up", { n: before - rank })}`)
    : badge("down", `▼ ${text("search.down", { n: rank - before })}`);
}

/** Which added terms a hit shows; a hit that shows no term at all was found by its vector. */
function reasonOf(hit, found) {
  const shownText = [hit.title, ...hit.keywords, ...hit.highlight].join(" ").replaceAll(/[\u0001\u0002]/g, "").toLowerCase();
  const held = (typed) => found.expansion.filter((term) => (term.origin === "query") === typed && term.field === "tokens")
    .map((term) => term.term).filter((term) => shownText.includes(term.toLowerCase()));
  const added = [...new Set(held(false))];
  if (added.length) return element("p", { class: "hint" }, text("search.has", { words: added.slice(0, 6).join(", ") }));
  const isMarked = hit.highlight.some((line) => line.includes("\u0001"));
  return held(true).length || isMarked || !found.vector ? null : element("p", { class: "hint" }, text("search.by.vector"));
}

function facetLists(facets, filters, toggle) {
  const lists = Object.entries(facets).filter(([, counts]) => counts.length).map(([name, counts]) => {
    const most = Math.max(1, ...counts.map((one) => one.count));
    return element("section", { class: "facet" }, element("h2", {}, name), element("ul", {}, counts.map((one) => {
      const filter = `${name}=${one.value}`;
      return element("li", {}, element("button", {
        type: "button", class: "quiet", "aria-pressed": String(filters.includes(filter)), onclick: () => toggle(filter),
      }, element("span", {}, `${one.value} `), element("span", { class: "count" }, shown(one.count)), bar(one.count / most)));
    })));
  });
  return element("div", { class: "facets" }, lists);
}

function termTable(terms) {
  const groups = new Map();  // the same term for the same reason, in several fields
  for (const term of terms) {
    const key = JSON.stringify([term.term, term.origin, term.because]);
    groups.set(key, [...(groups.get(key) ?? []), term]);
  }
  const rows = [...groups.values()].map((group) => [group[0].term, shown(Math.max(...group.map((one) => one.weight))),
    group[0].origin, reasonText(group[0].because), group.map((one) => one.field).join(", ")]);
  return table(text("search.added"), [text("term"), text("weight"), text("origin"), text("reason"), text("field")], rows);
}

function refused(candidates) {
  if (!candidates.length) return null;
  const rows = candidates.slice(0, 30).map((one) => [one.term, shown(one.information, 2), shown(one.score, 2), reasonText(one.because)]);
  return element("details", {}, element("summary", {}, text("search.why.not")),
    table(text("search.why.not"), [text("term"), text("information"), text("score"), text("reason")], rows));
}
