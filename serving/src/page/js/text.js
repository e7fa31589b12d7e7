// Text out of a log, made harmless to look at: control characters and those that turn the
// direction of writing are shown as what they are.

const PICTURES = 0x2400;
const TURNING = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

export function visible(text) {
  return String(text)
    .replace(/[\u0000-\u001f]/g, (found) => String.fromCharCode(PICTURES + found.charCodeAt(0)))
    .replace(/[\u007f-\u009f]/g, (found) => `\\x${found.charCodeAt(0).toString(16)}`)
    .replace(TURNING, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
