// Loads the official client, in the bundle for the parser that the address asks
// for (?parser=msgpack), and returns a socket that is not connected yet, so that
// handlers can be set first. ?transport= is websocket, polling or, as everywhere
// without it, polling first and then websocket.
const query = new URLSearchParams(location.search);
export const parser = query.get("parser") === "msgpack" ? "msgpack" : "json";

export async function connect(auth) {
  const script = document.createElement("script");
  script.src = parser === "msgpack" ? "/socket.io/socket.io.msgpack.min.js" : "/socket.io/socket.io.min.js";
  document.head.append(script);
  await new Promise((done, failed) => { script.onload = done; script.onerror = failed; });
  const transport = query.get("transport");
  return window.io({ auth, autoConnect: false, ...(transport ? { transports: [transport] } : {}) });
}

// $ finds the element of an id.
export const $ = (id) => document.getElementById(id);

// el makes an element; what people wrote is only ever set as text.
export function el(tag, { on, ...props } = {}, ...children) {
  const e = Object.assign(document.createElement(tag), props);
  for (const [type, f] of Object.entries(on ?? {})) e.addEventListener(type, f);
  e.append(...children);
  return e;
}

// hue gives every name a colour of its own.
export const hue = (name) => [...name].reduce((h, c) => (h * 31 + c.codePointAt(0)) % 360, 7);
