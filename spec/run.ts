/**
 * The test runner. In: the built test files under dist/spec, or those whose path contains one of the given words. Out:
 * each runs in a process of its own, two at a time; failures are printed as they come, and the last line is
 * `N passed, N failed`, with `, N skipped` where tests were skipped. The exit code is 1 if anything failed.
 *
 *     node dist/spec/run.js [word…]
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const folder = path.join("dist", "spec");
const atOnce = 2;
/** A test file that takes longer hangs. */
const limitMs = 15 * 60 * 1000;

function testFiles(words: readonly string[]): string[] {
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.js"))
    .sort();
  return words.length === 0 ? files : files.filter((name) => words.some((word) => name.includes(word)));
}

function runFile(name: string): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(folder, name)], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    let output = "";
    const add = (data: Buffer) => {
      output += data.toString();
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    child.on("error", (error) => resolve({ code: null, output: `${output}${error.message}\n` }));
    child.on("close", (code) => resolve({ code, output }));
  });
}

/** Sums the lines `Total:`, `Passed:` and `Skipped:` of all suites; a process that failed otherwise counts as a test. */
function outcomeOf(code: number | null, output: string): Outcome {
  const sum = (word: string) =>
    [...output.matchAll(new RegExp(`^\\s*${word}:\\s+(\\d+)`, "gm"))].reduce((n, match) => n + Number(match[1]), 0);
  const [total, passed, skipped] = ["Total", "Passed", "Skipped"].map(sum);
  // What uvu calls the total does not count skipped tests.
  const failed = total - passed;
  const broken = total + skipped === 0 || (code !== 0 && failed === 0);
  return { passed, failed: failed + (broken ? 1 : 0), skipped };
}

async function main(): Promise<number> {
  const files = testFiles(process.argv.slice(2));
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < files.length) {
      const name = files[next++];
      const { code, output } = await runFile(name);
      const outcome = outcomeOf(code, output);
      outcomes.push(outcome);
      const counts = `${outcome.passed} passed, ${outcome.failed} failed`;
      console.log(`${name}: ${counts}${outcome.skipped > 0 ? `, ${outcome.skipped} skipped` : ""}`);
      if (outcome.failed > 0) console.log(`${output.trimEnd()}\n`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const sum = (key: keyof Outcome) => outcomes.reduce((n, outcome) => n + outcome[key], 0);
  const failed = sum("failed") + (files.length === 0 ? 1 : 0);
  if (files.length === 0) console.log(`no test file under ${folder}`);
  const skipped = sum("skipped");
  console.log(`${sum("passed")} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main();
