/**
 * Records the microphone as WAV, 16 kHz, mono, 16 bits. What browsers record by themselves (WebM, Ogg, MP4) Dify refuses.
 */

const RATE = 16_000; // samples a second: enough for speech
const HEAD = 44; // bytes

/** @throws {DOMException} as `getUserMedia`: NotAllowedError, NotFoundError, NotReadableError */
export async function record(heard) {
  if (!navigator.mediaDevices || !window.AudioWorkletNode) throw new DOMException("", "NotFoundError");
  const microphone = await navigator.mediaDevices.getUserMedia({
    audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  });
  const recorder = new Recorder(microphone, heard);
  try {
    await recorder.begin();
  } catch (problem) {
    recorder.close();
    throw problem;
  }
  return recorder;
}

class Recorder {
  /** @param {(level: number) => void} heard is told how loud it is, from 0 to 1 */
  constructor(microphone, heard) {
    this.microphone = microphone;
    this.heard = heard;
    this.bits = [];
    this.context = new AudioContext();
  }

  async begin() {
    await this.context.audioWorklet.addModule(import.meta.resolve("recording_room"));
    await this.context.resume();
    const node = new AudioWorkletNode(this.context, "recording", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = ({ data }) => {
      this.bits.push(data);
      this.heard(loudness(data));
    };
    this.context.createMediaStreamSource(this.microphone).connect(node);
  }

  get seconds() {
    return this.bits.reduce((sum, bit) => sum + bit.length, 0) / this.context.sampleRate;
  }

  /** What was recorded, as a WAV; the microphone is off from now on. */
  finish() {
    const { sampleRate } = this.context;
    this.close();
    return wav(resampled(joined(this.bits), sampleRate));
  }

  close() {
    for (const track of this.microphone.getTracks()) track.stop();
    if (this.context.state !== "closed") this.context.close();
  }
}

const loudness = (samples) => Math.min(1, 4 * Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length));

function joined(bits) {
  const all = new Float32Array(bits.reduce((sum, bit) => sum + bit.length, 0));
  bits.reduce((at, bit) => (all.set(bit, at), at + bit.length), 0);
  return all;
}

/** Each sample is the mean of those that it stands for, which also keeps what is too high for 16 kHz from folding down. */
function resampled(samples, rate) {
  const step = rate / RATE;
  const found = new Float32Array(Math.floor(samples.length / step));
  for (let i = 0; i < found.length; i++) {
    const from = Math.floor(i * step);
    const to = Math.max(from + 1, Math.floor((i + 1) * step));
    let sum = 0;
    for (let j = from; j < to; j++) sum += samples[j];
    found[i] = sum / (to - from);
  }
  return found;
}

function wav(samples) {
  const view = new DataView(new ArrayBuffer(HEAD + 2 * samples.length));
  const write = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, HEAD - 8 + 2 * samples.length, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes that follow
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true); // bytes a second
  view.setUint16(32, 2, true); // bytes of a sample
  view.setUint16(34, 16, true); // bits of one
  write(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => view.setInt16(HEAD + 2 * i, Math.max(-1, Math.min(1, sample)) * 0x7fff, true));
  return new Blob([view], { type: "audio/wav" });
}
