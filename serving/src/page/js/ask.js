// Asking the API. A page that was written to a file holds its answers itself.

const holder = document.getElementById("kept");

// The answers of a page that was written to a file; `null` where there is a server.
export const kept = holder ? JSON.parse(holder.textContent) : null;

// Why there is no answer.
export class Refused extends Error {
  constructor(error) {
    super(error.message);
    this.code = error.code;
    this.hint = error.hint;
  }
}

const keyOf = (path, { by }) => (by ? `${path}?by=${by}` : path);

// The answer to a question. Throws `Refused` where the server has none, another error where it is away.
export async function ask(path, parameters = {}, signal = undefined) {
  if (kept) {
    const answer = kept[keyOf(path, parameters)];
    if (answer === undefined) throw new Refused({ code: "not_here", message: "This page is a file: it holds no more." });
    return answer;
  }
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null));
  const answer = await fetch(`/api/v1/${path}?${query}`, { signal });
  const body = await answer.json();
  if (!answer.ok) throw new Refused(body.error ?? { message: answer.statusText });
  return body;
}
