// What all views use: elements, requests to the service, problems and the list of indexes.

import { text } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";

function built(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** An HTML element. Attributes that begin with "on" are listeners. */
export function element(tag, attributes = {}, ...children) {
  return built(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function shape(tag, attributes = {}, ...children) {
  return built(document.createElementNS(SVG, tag), attributes, children);
}

/** A labelled field. */
export function field(label, input, hint = null) {
  const id = input.id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return element("div", { class: "field" }, element("label", { for: id }, label), input,
    hint ? element("p", { class: "hint", id: `${id}-hint` }, hint) : null);
}

/** A table; rows are lists of texts or elements. */
export function table(caption, columns, rows) {
  const head = element("tr", {}, columns.map((name) => element("th", { scope: "col" }, name)));
  const body = rows.map((row) => element("tr", {}, row.map((cell) => element("td", {}, cell ?? ""))));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", {}, element("caption", {}, caption), element("thead", {}, head), element("tbody", {}, body)));
}

/** A text in which the parts between \u0001 and \u0002 are marked. kindOf: the class of a marked word, or null. */
export function marked(line, kindOf = () => null) {
  return line.split(/(\u0001[^\u0002]*\u0002)/).map((part) => {
    const word = part.slice(1, -1);
    return part.startsWith("\u0001") ? element("mark", { class: kindOf(word) }, word) : part;
  });
}

/** A bar from 0 to 1. */
export function bar(share) {
  const inner = element("span", { class: "bar" });
  inner.style.width = `${Math.round(100 * Math.max(0, Math.min(1, share)))}%`;
  return element("span", { class: "bar-room", "aria-hidden": "true" }, inner);
}

export class Refused extends Error {
  constructor(status, type, reason) {
    super(reason);
    Object.assign(this, { status, type });
  }
}

export function headers() {
  const key = sessionStorage.getItem("key");
  return key ? { Authorization: `ApiKey ${key}` } : {};
}

/** The answer of an endpoint; a body is sent as JSON. Throws Refused with the reason. */
export async function ask(path, body = null, options = {}) {
  const sent = body === null ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(path, { ...sent, headers: headers(), ...options });
  const found = await answer.json();
  if (!answer.ok && found.error) {
    document.getElementById("key-form").hidden = answer.status !== 401;
    throw new Refused(answer.status, found.error.type, found.error.reason);
  }
  return found;
}

export function showProblem(error) {
  const place = document.getElementById("problem");
  const isAsked = error?.status === 401 && !sessionStorage.getItem("key");  // the form says what is missing
  place.textContent = error === null || isAsked ? "" : error.message;
  place.hidden = place.textContent === "";
}

/** The address of a view with what it showed last. */
export const lastAddresses = new Map();

let answered = null;

/** What the address asks for: the part after #. From now on it is taken as shown. */
export function addressToShow() {
  answered = location.hash;
  return answered.slice(1);
}

/**
 * Note in the address what a view shows. If it is new, Back leads to what was shown before.
 * Where Back or Forward has changed the address meanwhile, it stays: what it asks for is shown next.
 */
export function remember(view, parameters, isNew) {
  if (location.hash !== answered) return;
  const address = `#${view}?${parameters}`;
  if (isNew && location.hash !== address) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  answered = location.hash;
  lastAddresses.set(view, address);
}

export function say(sentence) {
  document.getElementById("status").textContent = sentence;
}

/** Run work for a form: its button is disabled meanwhile, and a problem is shown. The last call wins. */
let latest = 0;
export async function run(form, work) {
  const button = form.querySelector("button[type=submit]");
  const mine = ++latest;
  showProblem(null);
  say(text("loading"));
  button.setAttribute("aria-busy", "true");
  try {
    const show = await work();
    if (mine === latest) {
      show();
      say(text("done"));
    }
  } catch (error) {
    if (mine === latest) {
      showProblem(error);
      say("");
      form.parentElement.querySelector(".results")?.replaceChildren();  // they answer another question
    }
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** A menu of the aliases and indexes. */
export async function indexMenu(id) {
  const found = await ask("indexes");
  const hidden = new Set(Object.values(found.aliases).flat());
  const names = [...Object.keys(found.aliases), ...found.indexes.map((one) => one.name).filter((name) => !hidden.has(name))];
  const chosen = sessionStorage.getItem("index");
  const menu = element("select", { id, onchange: () => sessionStorage.setItem("index", menu.value) },
    names.map((name) => element("option", { value: name, selected: name === chosen }, name)));
  return menu;
}
