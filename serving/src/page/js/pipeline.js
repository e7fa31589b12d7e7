// Where the pipeline stands: how far behind, what came late or broken, whether the audit holds.
import { $, element } from "./dom.js";
import { count, lasting, percent } from "./numbers.js";
import { instant, seconds } from "./time.js";
import { view } from "./view.js";
import { kept, ask } from "./ask.js";
import { openLines } from "./lines.js";

let status = null;
let audit = null;

export function setStatus(now) {
  status = now;
  draw();
}

// Asks for the audit's state; `run` has it run now.
export async function askAudit(run = false) {
  if (run) { audit = { running: true }; draw(); }
  try {
    audit = await ask("audit", run ? { run: true } : {});
  } catch (error) {
    audit = { error: error.message };
  }
  draw();
}

function auditLine() {
  if (!audit || audit.running) return ["Audit", audit ? "running…" : "…", ""];
  if (audit.error) return ["Audit", "unknown", audit.error];
  const found = audit.audit;
  if (!found) return ["Audit", "not run yet", "Accounts for every offset: source, archive, exact index."];
  const age = lasting(Date.now() / 1000 - audit.at / 1000);
  const when = `${count(found.archived)} records, ${count(found.pending)} pending; ${age === "now" ? "just now" : `${age} ago`}`;
  return found.ok ? ["Audit", "in order", `Nothing missing, nothing double: ${when}`, "good"]
    : ["Audit", `${count(found.missing)} missing, ${count(found.duplicated)} double`, found.findings[0] ?? when, "bad"];
}

function draw() {
  if (!status) return;
  const zone = view().zone;
  const newest = Math.max(...status.partitions.map((one) => one.largest_event_time ?? 0), 0) / 1000;
  const all = status.records;
  const rows = [
    ...(kept ? [] : [["Newest request", newest ? instant(newest, zone) : "none", newest && !kept ? `${lasting(Date.now() / 1000 - newest)} behind now` : ""]]),
    ["Exact until", status.boundary ? instant(seconds(status.boundary), zone) : "no batch run yet",
      status.boundary ? `generation ${status.generation}${kept ? "" : `, published ${lasting(Date.now() / 1000 - status.published_at / 1000)} ago`}` : "Everything is an estimate until then."],
    ["Late", count(status.late), all ? `${percent(status.late, all, 2)} of the records; the batch layer counts them` : ""],
    ["Ahead", count(status.ahead), "far in the future, and nothing confirmed it"],
    ["Malformed", count(status.malformed), "kept, counted, never dropped", status.malformed ? "lines" : ""],
    ...(kept ? [] : [auditLine()]),
  ];
  const section = $("pipeline");
  const row = ([name, value, note, mood]) => element("div", { class: "fact" }, element("dt", {}, name),
    element("dd", { class: mood === "good" || mood === "bad" ? mood : "" }, mood === "lines" && !kept
      ? element("button", { type: "button", class: "link", onclick: () => openLines({ malformed: "true" }) }, value) : value),
    element("dd", { class: "note" }, note));
  const button = kept ? "" : element("button", { type: "button", class: "quiet", disabled: audit?.running, onclick: () => askAudit(true) }, audit?.audit ? "Audit again" : "Audit now");
  section.replaceChildren(section.firstElementChild, element("dl", {}, ...rows.map(row)), button);
}
