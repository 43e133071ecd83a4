// Health, models, indexes, and running jobs with their progress.

import { ask, bar, element, headers, showProblem, table } from "./page.js";
import { reasonText, shown, text } from "./texts.js";

export async function view(place, parameters, signal) {
  const health = element("p", { class: "notice" });
  const jobs = element("section", {}, element("h2", {}, text("state.jobs")));
  const list = element("div", { "aria-live": "polite" });
  jobs.append(list);
  const [ready, models, indexes] = await Promise.all([ask("readyz"), ask("models"), ask("indexes")]);
  health.classList.toggle("problem", !ready.ready);
  health.textContent = [text(ready.ready ? "state.ready" : "state.not.ready"), ready.engine, ready.model, ...ready.reasons].filter(Boolean).join(" · ");
  place.append(health, jobs, modelTable(models.models), indexTable(indexes));
  follow(list, signal).catch((error) => {
    if (!signal.aborted) showProblem(error);
  });
}

/** Show the jobs whenever one has changed, until the view is left. */
async function follow(list, signal) {
  const answer = await fetch("jobs", { headers: { Accept: "text/event-stream", ...headers() }, signal });
  if (!answer.ok) return showJobs(list, (await ask("jobs")).jobs);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return undefined;
    const events = (waiting + value).split("\n\n");
    waiting = events.pop();
    for (const event of events) {
      const data = event.match(/^data: (.*)$/m);
      if (data && event.startsWith("event: jobs")) showJobs(list, JSON.parse(data[1]).jobs);
    }
  }
}

function showJobs(list, jobs) {
  const rows = jobs.slice(0, 20).map((job) => {
    const share = job.phase === "done" ? 1 : job.operations ? job.operations_done / job.operations : 0;
    const progress = job.phase === "cancelled" ? "" : element("span", {}, `${shown(100 * share, 0)} % `, bar(share));
    return [job.job, job.alias, reasonText(job.phase), progress, shown(job.documents ?? 0), job.fault];
  });
  const columns = [text("state.job"), text("state.alias"), text("state.phase"), text("state.progress"), text("state.documents"), text("state.fault")];
  list.replaceChildren(rows.length ? table(text("state.jobs"), columns, rows) : element("p", {}, text("state.no.jobs")));
}

function modelTable(models) {
  if (!models.length) return element("p", { class: "notice" }, text("state.no.models"));
  const columns = [text("state.version"), text("state.created"), text("state.language"), text("state.words"), text("state.documents"), text("state.fault")];
  const number = (value) => value === null ? "" : shown(value);
  const rows = models.map((one) => [element("span", {}, one.version, one.active ? element("strong", {}, ` ${text("state.active")}`) : null),
    one.created?.slice(0, 16).replace("T", " "), one.language, number(one.words), number(one.documents), one.fault]);
  return element("section", {}, element("h2", {}, text("state.models")), table(text("state.models"), columns, rows));
}

function indexTable(found) {
  if (!found.indexes.length) return element("p", { class: "notice" }, text("no.index"));
  const aliasesOf = (name) => Object.entries(found.aliases).filter(([, behind]) => behind.includes(name)).map(([alias]) => alias).join(", ");
  const columns = [text("state.name"), text("state.alias"), text("state.documents"), text("state.model"), text("state.fields"), text("state.fault")];
  const rows = found.indexes.map((one) => [one.name, aliasesOf(one.name), one.documents === null ? "" : shown(one.documents), one.model, one.fields.join(", "), one.fault]);
  return element("section", {}, element("h2", {}, text("state.indexes")), table(text("state.indexes"), columns, rows));
}
