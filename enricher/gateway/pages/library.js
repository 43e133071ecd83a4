// The library: what is read together with an item, what is alike, and maps.

import { ask, element, field, headers, Refused, remember, run, showProblem } from "./page.js";
import { text } from "./texts.js";
import { scored } from "./words.js";

export async function view(place, parameters, signal) {
  const input = element("input", { id: "library-item", type: "search", autocomplete: "off", value: parameters.get("item") ?? "" });
  const results = element("div", { class: "results" });

  function look(item, isNew = true) {
    input.value = item;
    remember("library", new URLSearchParams({ item }), isNew);
    return run(form, async () => {
      const found = await ask("similar", { item, top: 10 });
      return () => results.replaceChildren(element("div", { class: "columns" },
        element("section", {}, element("h2", {}, text("library.together")),
          scored(found.read_together.map((one) => [one.item, one.score]), look, Math.exp)),
        element("section", {}, element("h2", {}, text("library.alike")),
          scored(found.alike.map((one) => [one.item, one.cosine]), look))));
    });
  }

  const form = element("form", { class: "search", onsubmit: (event) => {
    event.preventDefault();
    return input.value.trim() ? look(input.value.trim()) : input.focus();
  } }, field(text("library.item"), input), element("button", { type: "submit" }, text("words.run")));
  place.append(form, results);
  if (input.value) await look(input.value, false);
  await showMaps(place, signal);
}

async function showMaps(place, signal) {
  const { maps } = await ask("maps", null, { signal });
  const section = element("section", {}, element("h2", {}, text("library.maps")));
  place.append(section);
  if (!maps.length) return section.append(element("p", {}, text("library.no.maps")));
  const frame = element("iframe", { class: "map", sandbox: "allow-scripts", title: text("library.maps") });
  const menu = element("select", { id: "library-map", onchange: () => showMap(frame, menu.value).catch(showProblem) },
    maps.map((name) => element("option", { value: name }, name)));
  section.append(field(text("library.map"), menu), frame);
  return showMap(frame, menu.value);
}

/** The page of a map is fetched and not addressed: a frame cannot send an API key. */
async function showMap(frame, name) {
  showProblem(null);
  frame.srcdoc = "";
  const answer = await fetch(`map?name=${encodeURIComponent(name)}`, { headers: headers() });
  if (!answer.ok) {
    const { error } = await answer.json();
    throw new Refused(answer.status, error.type, error.reason);
  }
  frame.srcdoc = await answer.text();
}
