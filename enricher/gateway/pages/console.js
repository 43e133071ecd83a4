// The console: chooses the view by the address, the language and the theme.

import { view as evaluationView } from "./evaluation.js";
import { view as libraryView } from "./library.js";
import { addressToShow, element, lastAddresses, showProblem } from "./page.js";
import { view as reviewView } from "./review.js";
import { view as searchView } from "./search.js";
import { view as stateView } from "./state.js";
import { language, switchLanguage, text } from "./texts.js";
import { keywordsView, wordsView } from "./words.js";

const VIEWS = {
  search: searchView, keywords: keywordsView, words: wordsView, library: libraryView, evaluation: evaluationView, state: stateView, review: reviewView,
};
const names = document.body.dataset.views.split(" ");  // those that this address serves
const main = document.getElementById("main");
let leaving = new AbortController();

function addressed() {
  const [name, parameters = ""] = addressToShow().split("?");
  return [names.includes(name) ? name : names[0], new URLSearchParams(parameters)];
}

async function show() {
  const [name, parameters] = addressed();
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  showProblem(null);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `${text(`view.${name}`)} – ${text("title")}`;
  document.querySelectorAll("[data-text]").forEach((one) => { one.textContent = text(one.dataset.text); });
  document.getElementById("language").textContent = text("language");
  document.getElementById("language").lang = language === "zh" ? "en" : "zh-CN";
  const views = document.getElementById("views");
  views.setAttribute("aria-label", text("title"));
  views.replaceChildren(...names.map((one) =>
    element("a", { href: lastAddresses.get(one) ?? `#${one}`, "aria-current": one === name ? "page" : null }, text(`view.${one}`))));
  const place = element("div", { class: `view ${name}` }, element("h1", {}, text(`view.${name}`)));
  main.replaceChildren(place);
  try {
    await VIEWS[name](place, parameters, signal);
    if (!signal.aborted && !parameters.size) place.querySelector("form input, form textarea")?.focus({ preventScroll: true });
  } catch (error) {
    if (!signal.aborted) showProblem(error);
  }
  if (!signal.aborted) document.body.dataset.shown = name;
}

function chooseTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}

document.getElementById("language").addEventListener("click", () => {
  switchLanguage();
  show();
});
document.getElementById("theme").addEventListener("click", () => {
  const isDark = getComputedStyle(document.documentElement).getPropertyValue("--is-dark").trim() === "1";
  localStorage.setItem("theme", isDark ? "light" : "dark");
  chooseTheme(localStorage.getItem("theme"));
});
document.getElementById("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", document.getElementById("key").value.trim());
  event.target.hidden = true;
  show();
});
document.addEventListener("keydown", (event) => {
  const isTyping = ["INPUT", "TEXTAREA", "SELECT"].includes(document.activeElement?.tagName);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    main.querySelector("input, textarea")?.focus();
  }
});
window.addEventListener("hashchange", show);
chooseTheme(localStorage.getItem("theme"));
show();
