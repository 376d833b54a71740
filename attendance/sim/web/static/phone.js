// Asks the simulated phone what there is to see, shows it, and brings it the answers of parents.
const POLL_MS = 700;
const NEAR_PX = 90; // this close to the end of a conversation, new messages scroll into view

const $ = (id) => document.getElementById(id);
const seen = new Map(); // number → id of the last words that were shown
let view = null;
let chosen = null; // whose phone is shown
let clockAhead = 0; // of the phone's clock before the browser's, in ms
let offset = 0; // of the phone's zone, in minutes

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function sign(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

const spaced = (number) => number.replace(/^(\+63)(\d{3})(\d{3})(\d{4})$/, "$1 $2 $3 $4");
const time = (at) => at.slice(11, 16);
const hue = (number) => (Number(number.slice(-4).replace(/\D/g, "")) * 137.5) % 360; // the golden angle keeps neighbours apart
const reason = (error) => error.match(/\((?:Failed because )?(.+)\)$/)?.[1] ?? error;

// --- whose phone

function showParents() {
  if ($("follow").checked || !view.parents.some((each) => each.phone === chosen)) chosen = view.parents[0]?.phone ?? null;
  $("parent-list").replaceChildren(...view.parents.map(parentEntry));
}

function parentEntry({ phone, said }) {
  const last = said.at(-1);
  if (phone === chosen) seen.set(phone, last.id);
  const entry = element("button", "parent");
  const face = element("i", "", phone.slice(-2));
  face.style.setProperty("--hue", hue(phone));
  const preview = (last.from === "parent" ? "You: " : "") + last.text;
  entry.append(face, element("b", "", spaced(phone)), element("time", "", time(last.at)), element("span", "", preview));
  entry.type = "button";
  entry.dataset.phone = phone;
  entry.dataset.new = last.from === "school" && seen.get(phone) !== last.id ? "yes" : "no";
  entry.setAttribute("aria-current", phone === chosen);
  entry.addEventListener("click", () => choose(phone));
  const item = element("li");
  item.append(entry);
  return item;
}

function choose(phone) {
  $("follow").checked = false;
  chosen = phone;
  show();
}

// --- the conversation

const empty = $("empty"); // stands in the conversation while nothing was said
const shown = new Map(); // id of words → their element
let shownPhone = null;

function showThread() {
  const thread = $("thread");
  const said = view.parents.find((each) => each.phone === chosen)?.said ?? [];
  const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < NEAR_PX;
  const changed = shownPhone !== chosen;
  if (changed) shown.clear();
  const fresh = !changed;
  shownPhone = chosen;
  let day = "";
  const parts = [];
  for (const words of said) {
    if (words.at.slice(0, 10) !== day) {
      day = words.at.slice(0, 10);
      parts.push(element("p", "day", new Date(`${day}T12:00:00`).toLocaleDateString("en", { weekday: "long", day: "numeric", month: "long" })));
    }
    parts.push(bubble(words, fresh));
  }
  thread.replaceChildren(...parts, empty);
  if (atEnd || changed) thread.scrollTop = thread.scrollHeight;
  $("whose").textContent = chosen ? `The phone of ${spaced(chosen)}` : "";
  for (const control of $("composer").querySelectorAll("button, input")) control.disabled = !chosen;
}

function bubble(words, fresh) {
  const known = shown.get(words.id);
  const key = `${words.state} ${words.arrived} ${words.error}`;
  if (known?.dataset.key === key) {
    known.classList.remove("fresh");
    return known;
  }
  const made = element("div", words.from === "parent" ? "said parent-said" : "said");
  if (fresh && !known) made.classList.add("fresh");
  made.dataset.key = key;
  if (words.from === "school") {
    made.dataset.state = words.state;
    made.dataset.arrived = words.arrived ? "yes" : "no";
  }
  made.append(element("p", "", words.text), below(words));
  shown.set(words.id, made);
  return made;
}

function below(words) {
  const line = element("small");
  if (words.from === "parent") {
    line.append(time(words.at));
    return line;
  }
  const parts = words.parts > 1 ? ` · ${words.parts} parts` : "";
  const [icon, note] = {
    Delivered: ["delivered", ""],
    Failed: ["failed", `Not sent: ${reason(words.error)}`],
    Cancelled: ["failed", "Called back"],
    Sent: ["sent", words.arrived ? "" : "on its way"],
    Processed: ["sent", "on its way"],
  }[words.state] ?? ["clock", "waits on the school’s phone"];
  line.append(time(words.at) + (note ? ` · ${note}` : "") + parts);
  line[words.state === "Failed" ? "prepend" : "append"](sign(icon));
  const spoken = element("span", "", "");
  spoken.setAttribute("aria-label", words.state);
  line.append(spoken);
  return line;
}

// --- the school's phone

function showGateway() {
  const count = (...states) => states.reduce((sum, state) => sum + (view.counts[state] ?? 0), 0);
  $("n-waiting").textContent = count("Pending");
  $("n-moving").textContent = count("Processed", "Sent");
  $("n-delivered").textContent = count("Delivered");
  $("n-failed").textContent = count("Failed");
  $("n-failed").parentElement.dataset.some = count("Failed") ? "yes" : "no";
  const period = { PerMinute: "a minute", Per30Minutes: "in 30 minutes", PerHour: "an hour", PerDay: "a day" };
  const order = view.order === "LIFO" ? "the newest first" : "the oldest first";
  $("rule").textContent = view.limit ? `At most ${view.limit.value} ${period[view.limit.period]}, ${order}.` : `No limit, ${order}.`;
  const places = new Set(view.webhooks.map(([, url]) => url));
  const signed = view.signed ? "signed" : "not signed";
  $("told").textContent = places.size ? `${view.webhooks.length} webhooks to ${[...places].join(", ")}, ${signed}.` : "Nobody has registered a webhook.";
  if (view.reports.waiting) $("told").textContent += ` ${view.reports.waiting} wait.`;
  if (view.reports.given_up) $("told").textContent += ` ${view.reports.given_up} given up.`;
  $("posted").replaceChildren(...view.reports.last.slice(0, 5).map(postedLine));
  for (const box of document.querySelectorAll("[data-fault]")) box.checked = view.faults_on.includes(box.dataset.fault);
}

function postedLine({ event, outcome, taken }) {
  const line = element("li");
  line.dataset.taken = taken ? "yes" : "no";
  line.append(element("span", "", event), element("b", "", outcome));
  return line;
}

function showBattery() {
  const { percent, charging } = view.battery;
  $("battery-percent").textContent = `${percent}%`;
  $("battery").style.setProperty("--level", `${percent}%`);
  $("battery").dataset.charging = charging ? "yes" : "no";
  $("battery").dataset.low = percent < 20 ? "yes" : "no";
}

function setClock(now) {
  clockAhead = Date.parse(now) - Date.now();
  const [, sign_, hours, minutes] = now.match(/([+-])(\d\d):(\d\d)$/) ?? [null, "+", 0, 0];
  offset = (sign_ === "-" ? -1 : 1) * (60 * hours + 1 * minutes);
  tick();
}

function tick() {
  $("clock").textContent = new Date(Date.now() + clockAhead + offset * 60000).toISOString().slice(11, 16);
}

// --- asking and telling

function show() {
  showParents();
  showThread();
  showGateway();
  showBattery();
}

async function ask() {
  try {
    const answer = await fetch(`/screen?seen=${view?.revision ?? ""}`);
    if (answer.status === 200) {
      view = await answer.json();
      setClock(view.now);
      show();
    }
    document.body.dataset.link = answer.ok ? "ok" : "lost";
  } catch {
    document.body.dataset.link = "lost";
    view = view && { ...view, revision: "" }; // a phone that starts again counts from the beginning
  }
}

async function poll() {
  if (!document.hidden) await ask();
  setTimeout(poll, POLL_MS);
}

async function tell(address, fields) {
  try {
    await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
  } catch {
    document.body.dataset.link = "lost";
    return;
  }
  await ask();
}

function say(text) {
  if (!chosen || !text.trim()) return;
  $("follow").checked = false;
  $("answer").value = "";
  tell("/answers", { phone: chosen, text: text.trim() });
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say($("answer").value);
});
for (const chip of document.querySelectorAll("[data-text]")) chip.addEventListener("click", () => say(chip.dataset.text));
for (const box of document.querySelectorAll("[data-fault]")) {
  box.addEventListener("change", () => tell("/faults", { fault: box.dataset.fault, on: box.checked }));
}
$("ping").addEventListener("click", () => tell("/ping", {}));
$("follow").addEventListener("change", () => view && show());
$("school-number").textContent = spaced($("school-number").textContent);
setInterval(tick, 1000);
poll();
