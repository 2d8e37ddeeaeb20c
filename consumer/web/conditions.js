// The badge, and a card for each condition that stops or slows delivery.

import { $, commandLine, isKnown, make, moment, relative, replaceIfChanged } from "./common.js";

const CLASSES = { act: "bad", watch: "warn" };
const PODS = "kubectl get pods --selector app.kubernetes.io/name=sprig-to-segment";
const LAST_LOG = "kubectl logs POD --previous";

function showBadge(text, className) {
  $("state").textContent = text;
  $("state").className = `pill ${className}`;
  document.title = `${text} · sprig-to-segment`;
}

const row = (name, ...content) => [make("dt", {}, name), make("dd", {}, ...content)];

/** A moment and how long ago it is; without an end while it lasts. */
const sinceWhen = (since, now) => (isKnown(since)
  ? [`${moment(since, now)}, for `, relative("since", since)] : ["unknown"]);

/** Which records block, why they were rejected, and the settings to check. */
function blockRows({ reason, records, reject_reason, detail, settings }) {
  const rows = row("Block reason", make("code", {}, reason));
  if (reject_reason) rows.push(...row("Rejected as", make("code", {}, reject_reason), detail ? `: ${detail}` : ""));
  if (settings) rows.push(...row("Settings to check", make("code", {}, settings)));
  if (records) rows.push(...row("Records", make("code", {}, records), " (partition:offset)"));
  return rows;
}

/** The first condition is open. The others are one line each, until they are opened. */
function card(severity, title, rows, isOpen) {
  if (isOpen) return make("section", { class: `card condition ${severity}` }, make("p", {}, ...title), make("dl", {}, ...rows));
  const summary = make("summary", {}, make("span", {}, ...title));
  return make("details", { class: `card condition ${severity}` }, summary, make("dl", {}, ...rows));
}

const withSubject = ({ label, subject }) => (subject ? `${label}: ${subject}` : label);

function conditionCard(condition, now, isOpen) {
  const { severity, text, since, reason, next_try_at, block, lost, todo, command, anchor } = condition;
  const title = [make("b", { class: CLASSES[severity] }, withSubject(condition)), ` – ${text}`];
  if (!isOpen && isKnown(since)) title.push(` Since ${moment(since, now)}.`);
  return card(severity, title, [
    ...row("Since", ...sinceWhen(since, now)),
    ...(reason ? row("Reason", reason) : []),
    ...(block.reason ? blockRows(block) : []),
    ...(isKnown(next_try_at) ? row("Next try", `${moment(next_try_at, now)}, `, relative("until", next_try_at)) : []),
    ...row("Is anything lost?", lost),
    ...row("What to do", todo, " ", make("a", { href: `docs/runbook#${anchor}` }, "Open the runbook at this section.")),
    ...(command ? row("Command", commandLine(command)) : []),
  ], isOpen);
}

function runningCard({ settled_at }) {
  const last = settled_at ? ["The last record was settled ", relative("since", settled_at), " ago."]
    : ["No record has been settled since the start of this member."];
  return make("section", { class: "card condition" },
    make("p", {}, make("b", { class: "good" }, "running"), " – Nothing stops or slows delivery. ", ...last));
}

export function renderConditions(status) {
  const { conditions, now, settled_at } = status;
  const [worst] = conditions;
  if (worst) showBadge(worst.label, CLASSES[worst.severity]);
  else showBadge("running", "good");
  replaceIfChanged("conditions", worst ? conditions : settled_at, () => (worst
    ? conditions.map((condition, index) => conditionCard(condition, now, index === 0)) : [runningCard(status)]));
}

/** The member runs, and this page cannot be made: most often a defect. */
function renderRefusal(since, error) {
  showBadge("page not available", "bad");
  const title = [make("b", { class: "bad" }, `page not available since ${moment(since, since)}`)];
  replaceIfChanged("conditions", ["refusal", since, error], () => [card("act", title, [
    ...row("Since", ...sinceWhen(since, since)),
    ...row("Reason", `The member runs, and it answered this page with ${error}. Below is what it said last.`),
    ...row("Is anything lost?", "Not known from this page. The metrics of the member say whether it delivers."),
    ...row("What to do", make("a", { href: "status.json" }, "Read the answer"), ", and save the log of the member."),
  ], true)]);
}

/** The service does not answer this page: it may be gone, or only the connection to it. */
export function renderSilence(since, error) {
  if (error) return renderRefusal(since, error);
  showBadge("no answer from the service", "bad");
  const at = moment(since, since);
  const title = [make("b", { class: "bad" }, `no answer from the service since ${at}`)];
  replaceIfChanged("conditions", ["silence", since], () => [card("act", title, [
    ...row("Since", ...sinceWhen(since, since)),
    ...row("Reason", "The member has ended, or the connection to it is closed, such as a kubectl port-forward. "
      + "Below is what it said last."),
    ...row("Is anything lost?", "Nothing is lost. Records that are not committed wait in Kafka until the retention of the "
      + "topic ends, and another member of the group reads them."),
    ...row("What to do", "Look whether the pod runs. If it restarts, read its last log: ", make("code", {}, LAST_LOG)),
    ...row("Command", commandLine(PODS)),
  ], true)]);
}
