/** Runs where the browser makes sound, see `recorder.js`: passes on what the microphone gives, a bit at a time. */

const BIT = 2048; // samples

class Recording extends AudioWorkletProcessor {
  constructor() {
    super();
    this.samples = new Float32Array(BIT);
    this.count = 0;
  }

  process([[channel]]) {
    for (const sample of channel ?? []) {
      this.samples[this.count++] = sample;
      if (this.count < BIT) continue;
      this.port.postMessage(this.samples);
      this.samples = new Float32Array(BIT);
      this.count = 0;
    }
    return true;
  }
}

registerProcessor("recording", Recording);
