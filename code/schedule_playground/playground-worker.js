// A worker that answers a playground's questions with the compiler, run by Pyodide beside this file.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const ready = (async () => {
  const [python, response] = await Promise.all([
    loadPyodide(),
    fetch(new URL("playground-modules.zip", import.meta.url)),
  ]);
  if (!response.ok) throw new Error(`${response.url} does not load (${response.status})`);
  python.unpackArchive(await response.arrayBuffer(), "zip", { extractDir: "/modules" });
  return python.runPython(`
import sys
sys.path.insert(0, "/modules")
from schedule_playground.session import answer
answer`);
})();

onmessage = async ({ data: { number, question } }) => {
  try {
    const answer = await ready;
    postMessage({ number, answer: JSON.parse(answer(JSON.stringify(question))) });
  } catch (error) {
    postMessage({ number, problem: String(error.message || error).trim().split("\n").at(-1) });
  }
};
