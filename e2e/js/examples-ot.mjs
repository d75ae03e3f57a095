// Checks ot.mjs: against the cases of its twin in Go, read from a file, and by
// itself, that an operation composed of two does what the two do.
// Says {ev: "checked", cases, wrong: [...]}.
import { readFileSync } from "node:fs";
import { apply, compose, diff, move, transform } from "../../examples/text/ot.mjs";

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
const wrong = [];
const same = (what, i, got, want) => { if (JSON.stringify(got) !== JSON.stringify(want)) wrong.push({ what, i, got, want }); };
cases.forEach((c, i) => {
  const [a2, b2] = transform(c.a, c.b);
  same("a2", i, a2, c.a2);
  same("b2", i, b2, c.b2);
  same("apply", i, apply(c.text, c.a), c.after);
  same("move", i, move(c.a, c.pos), c.moved);
  const both = apply(c.after, c.b2);
  same("compose", i, apply(c.text, compose(c.a, c.b2)), both);
  same("diff", i, apply(c.text, diff(c.text, both)), both);
});
process.stdout.write(JSON.stringify({ ev: "checked", cases: cases.length, wrong: wrong.slice(0, 5) }) + "\n");
