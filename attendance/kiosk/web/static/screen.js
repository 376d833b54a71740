// What the gate tells its screen, shown. One connection brings everything; this page asks for nothing by itself.
import { collect, send } from "./reader.js";
import { play } from "./sound.js";

const HOLD_MS = { in: 2500, out: 2500, late: 2500 }; // how long a result takes the screen
const HOLD_PROBLEM_MS = 3500; // it has a sentence to be read
const SILENCE_MS = 12000; // the gate speaks every 4 s
const PATIENCE_MS = 1200; // a connection that is back in this time was never lost
const RECENT = 4;

const $ = (id) => document.getElementById(id);
const state = document.body.dataset;
let shown = null; // the scan whose result has the screen
let holdTimer = 0;

// --- results

function onScan(scan) {
  clearTimeout(holdTimer);
  shown = scan.scan_id;
  state.tone = scan.tone;
  state.photo = "no";
  $("photo").hidden = true;
  $("sign").setAttribute("href", `#sign-${scan.tone}`);
  write("headline-word", scan.title.toUpperCase());
  write("word", scan.title);
  write("name", scan.name);
  $("name").style.setProperty("--letters", Math.max(4, scan.name.length));
  write("section", scan.section);
  write("sentence", scan.sentence);
  write("when", scan.time);
  fitHeadline();
  const hold = HOLD_MS[scan.tone] ?? HOLD_PROBLEM_MS;
  $("stage").style.setProperty("--hold-time", `${hold}ms`);
  $("hold").getAnimations().forEach((animation) => { animation.currentTime = 0; });
  holdTimer = setTimeout(standBy, hold);
  remember(scan);
  count(scan.count);
  play(scan.tone);
  if (scan.photo) onPhoto(scan);
}

function standBy() {
  shown = null;
  state.tone = "standby";
  state.photo = "no";
  $("photo").hidden = true;
  $("photo").removeAttribute("src");
}

async function onPhoto({ scan_id }) {
  if (scan_id !== shown) return;
  const photo = new Image();
  photo.src = `/photo/${encodeURIComponent(scan_id)}.jpg?${Math.random()}`; // a better one may follow under the same name
  try {
    await photo.decode();
  } catch {
    return; // without a photo the live view stays
  }
  if (scan_id !== shown) return;
  $("photo").src = photo.src;
  $("photo").hidden = false;
  state.photo = "yes";
}

function remember({ tone, title, name, time }) {
  const line = document.createElement("li");
  line.className = "recent";
  line.dataset.tone = tone;
  line.innerHTML = '<svg class="sign" aria-hidden="true"><use></use></svg><b></b><small></small>';
  line.querySelector("use").setAttribute("href", `#sign-${tone}`);
  line.querySelector("b").textContent = name || title;
  line.querySelector("small").textContent = name ? `${time} · ${title}` : time;
  $("recent").prepend(line);
  while ($("recent").children.length > RECENT) $("recent").lastChild.remove();
}

function write(id, text) {
  $(id).textContent = text ?? "";
}

function fitHeadline() {
  const word = $("headline-word");
  word.style.setProperty("--fit", 1);
  const { left, width } = word.getBoundingClientRect();
  const end = $("headline").getBoundingClientRect().right - parseFloat(getComputedStyle($("headline")).paddingRight);
  word.style.setProperty("--fit", Math.min(1, (end - left) / width));
}

function count(value) {
  if (Number.isInteger(value)) $("count").textContent = value.toLocaleString("en");
}

// --- state

function onState({ count: today, problems = [], camera = {}, face = "" }) {
  count(today);
  const status = camera.status ?? "ok";
  if (status === "ok" && state.camera !== "ok") look();
  state.camera = status;
  $("camera-detail").textContent = camera.detail || (status === "starting" ? "The camera is starting" : "No picture from the camera");
  $("invitation").textContent = status === "ok" ? "Show your card to the camera" : "Show your card to the reader";
  $("advice").textContent = face;
  $("advice").hidden = !face;
  showProblems(problems);
}

function showProblems(problems) {
  const worst = problems.find((problem) => problem.severity === "error") ?? problems[0];
  $("problems").hidden = !worst;
  if (!worst) return;
  $("problems").dataset.severity = worst.severity;
  $("problem-text").textContent = worst.text;
  $("problem-remedy").textContent = worst.remedy;
  $("problem-more").textContent = problems.length > 1 ? `+ ${problems.length - 1} more` : "";
}

function onCardNotTaken() {
  showProblems([{ severity: "error", text: "The card could not be passed on.", remedy: "Scan it again." }]);
}

// --- clock: the gate's time and zone, wherever this browser thinks it is

let zone = "UTC";
let gateTime = null; // ms since 1970 at this page's time 0

function onClock({ now, zone: name, trusted }) {
  const first = gateTime === null;
  gateTime = Date.parse(now) - performance.now();
  zone = name;
  $("clock-doubt").hidden = trusted;
  if (first) tick();
}

function tick() {
  const now = gateTime + performance.now();
  const parts = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }).format(now);
  const [hours, minutes, seconds] = parts({ hour: "2-digit", minute: "2-digit", second: "2-digit" }).split(":");
  $("clock-time").textContent = `${hours}:${minutes}`;
  $("clock-seconds").textContent = seconds;
  $("date").textContent = parts({ weekday: "long", day: "numeric", month: "long" });
  setTimeout(tick, 1000 - (now % 1000));
}

// --- connection

const handlers = { scan: onScan, photo: onPhoto, state: onState, clock: onClock };
let source = null;
let heard = 0;
let lostTimer = 0;
let looks = 0;

function connect() {
  source?.close();
  source = new EventSource("/events");
  heard = performance.now();
  source.onmessage = (message) => {
    heard = performance.now();
    const event = JSON.parse(message.data);
    handlers[event.kind]?.(event);
  };
  source.onopen = () => {
    clearTimeout(lostTimer);
    lostTimer = 0;
    state.link = "ok";
    look();
  };
  source.onerror = lose;
}

function lose() {
  lostTimer ||= setTimeout(() => { state.link = "lost"; }, PATIENCE_MS);
}

function look() {
  looks += 1;
  $("live").src = `/stream.mjpg?${looks}`;
}

setInterval(() => {
  const silent = performance.now() - heard > SILENCE_MS;
  if (silent || source.readyState === EventSource.CLOSED) {
    lose();
    connect();
  }
}, 2000);

collect((text) => send(text).catch(onCardNotTaken));
connect();
