// Card readers that pretend to be keyboards: text, quickly typed anywhere on the page, and Enter.

const LONGEST_PAUSE_MS = 300; // between two keys; readers take 5 to 50, people who play with a keyboard longer
const LONGEST_TEXT = 4096;

export function collect(onText) {
  let text = "";
  let lastKey = 0;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key !== "Enter" && event.key.length !== 1) return; // Shift and the like come between the letters
    event.preventDefault();
    if (event.timeStamp - lastKey > LONGEST_PAUSE_MS) text = "";
    lastKey = event.timeStamp;
    if (event.key !== "Enter") {
      if (text.length < LONGEST_TEXT) text += event.key;
    } else if (text) {
      onText(text);
      text = "";
    }
  });
}

export async function send(text) {
  const answer = await fetch("/scan", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ payload: text }),
  });
  if (!answer.ok) throw new Error(`the gate answered ${answer.status}`);
}
