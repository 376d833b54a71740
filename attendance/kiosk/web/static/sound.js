// The sound of each result, made here: no files. Chromium's kiosk mode needs --autoplay-policy=no-user-gesture-required
// to play before anybody has touched the device; a key or a touch unlocks it as well.

const SOUNDS = { // [frequency in Hz, start and length in ms, waveform]
  in: [[660, 0, 120], [880, 120, 220]],
  out: [[880, 0, 120], [660, 120, 220]],
  late: [[660, 0, 110], [520, 150, 110], [660, 300, 200]],
  duplicate: [[740, 0, 70], [740, 130, 70], [740, 260, 70]],
  unknown: [[180, 0, 650, "square"]],
  wrong_time: [[330, 0, 200], [262, 240, 380]],
  refused: [[392, 0, 150, "square"], [294, 190, 150, "square"], [196, 380, 380, "square"]],
};
const LOUDNESS = { sine: 0.5, square: 0.16 };

let context = null;

export function play(tone) {
  context ??= new AudioContext();
  context.resume();
  for (const [frequency, startMs, lengthMs, waveform = "sine"] of SOUNDS[tone] ?? []) {
    note(frequency, context.currentTime + startMs / 1000, lengthMs / 1000, waveform);
  }
}

function note(frequency, start, length, waveform) {
  const oscillator = new OscillatorNode(context, { type: waveform, frequency });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, start); // short ramps: a tone that begins or ends at once clicks
  volume.gain.linearRampToValueAtTime(LOUDNESS[waveform], start + 0.01);
  volume.gain.setValueAtTime(LOUDNESS[waveform], start + length - 0.03);
  volume.gain.linearRampToValueAtTime(0, start + length);
  oscillator.connect(volume).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + length);
}

for (const gesture of ["keydown", "pointerdown"]) {
  addEventListener(gesture, () => context?.resume());
}
