// Keeps the live part of a page up to date, and says how long ago things were. Without it a page is as it was loaded.

const EVERY_MS = 5000;
const TIMEOUT_MS = 10000;
const LOST_AFTER = 2; // failures in a row: one is a bad moment of the network

const live = document.getElementById("live");
const link = document.getElementById("link");

// --- how long ago

let ahead = 0; // ms that the centre's clock is ahead of this browser's

function ago(seconds) {
  if (seconds < 5) return "just now";
  if (seconds < 90) return `${Math.round(seconds)} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

function tick() {
  const now = Date.now() + ahead;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = ago(Math.max(0, now - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

// --- the live part

let etag = "";
let kept = new Map(); // part to its markup as it came
let failures = 0;
let timer = 0;

function parts(root) {
  const found = new Map();
  for (const part of root.querySelectorAll("[data-part]")) found.set(part.dataset.part, part);
  return found;
}

function markup(found) {
  return new Map([...found].map(([name, part]) => [name, part.outerHTML]));
}

// Only what changed is replaced: whoever reads, selects or is about to click keeps the place.
function show(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = parts(template.content);
  const came = markup(fresh);
  const shown = parts(live);
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  if ([...came.keys()].join() === [...shown.keys()].join()) {
    for (const [name, part] of fresh) {
      const outer = part.querySelector("[data-part]"); // it is made of parts of its own
      if (!outer && came.get(name) !== kept.get(name)) shown.get(name).replaceWith(part);
    }
  } else {
    live.replaceChildren(template.content);
  }
  kept = came;
  if (focused && document.activeElement.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  tick();
}

function say(text, href) {
  if (link.hidden === !text && link.dataset.text === text) return;
  link.dataset.text = text;
  link.replaceChildren(text);
  if (href) {
    const anchor = document.createElement("a");
    anchor.href = href;
    anchor.textContent = "Log in again";
    link.append(" ", anchor);
  }
  link.hidden = !text;
}

async function look() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const headers = { "X-Live": "1", ...(etag && { "If-None-Match": etag }) };
    const answer = await fetch(live.dataset.live, {
      headers, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.status === 401) return say("You are no longer logged in.", location.href);
    if (answer.status !== 304 && !answer.ok) throw new Error(`status ${answer.status}`);
    const date = Date.parse(answer.headers.get("Date"));
    if (date) ahead = date - Date.now();
    if (answer.status !== 304) {
      const html = await answer.text();
      etag = answer.headers.get("ETag") ?? "";
      show(html);
    }
    failures = 0;
    say("");
  } catch {
    failures += 1;
    if (failures >= LOST_AFTER) say("The connection to the centre is lost. What is shown here is old. Trying again…");
  }
  timer = setTimeout(look, EVERY_MS);
}

if (live) {
  kept = markup(parts(live));
  ahead = Date.parse(live.dataset.now) - Date.now();
  document.addEventListener("visibilitychange", look);
  timer = setTimeout(look, EVERY_MS);
}
tick();
setInterval(tick, 1000);
