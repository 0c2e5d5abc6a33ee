/** One run of a few test files with one bug planted, or none. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PlantedBug } from '../../src/system/planted-bug.ts';
import { type Layer, switchOn } from './bugs.ts';

const root = join(import.meta.dirname, '..', '..');

export interface LayerRun {
  readonly bug: PlantedBug | null;
  readonly layer: Layer;
  readonly files: readonly string[];
}

export interface LayerOutcome extends LayerRun {
  readonly outcome: 'caught' | 'passed' | 'time limit' | 'broken' | 'nothing ran';
  /** Titles of the tests that failed, with a bug usually only the first. */
  readonly failed: readonly string[];
  readonly passed: number;
  /** Titles of tests that could not run here, with the reason: `title: reason`. */
  readonly skipped: readonly string[];
  readonly seconds: number;
}

/** With a bug it ends at the first test that fails; without one it runs to the end. */
export async function runLayer(run: LayerRun, limitSeconds: number): Promise<LayerOutcome> {
  const began = performance.now();
  const slow = run.files.some((file) => file.startsWith('test/faults/'));
  const options = ['--tap', '--timeout=3m', ...(slow ? ['--serial', '--concurrency=1'] : [])];
  const child = spawn(
    process.execPath,
    [
      join(root, 'node_modules', 'ava', 'entrypoints', 'cli.js'),
      ...options,
      ...(run.bug === null ? [] : ['--fail-fast']),
      ...run.files,
    ],
    {
      cwd: root,
      // A group of its own: what tests have started ends with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        NODE_OPTIONS: switchOn(run.bug),
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      },
    },
  );
  let tookTooLong = false;
  const end = (): void => {
    tookTooLong = true;
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = setTimeout(end, limitSeconds * 1000);
  const stop = (): never => {
    end();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  const status = new Promise<number | null>((resolve) => child.once('close', resolve));
  const heard = await listen(child.stdout);
  const code = await status;
  clearTimeout(timer);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  return { ...run, ...heard, outcome: outcomeOf(heard, tookTooLong, code), seconds: secondsSince(began) };
}

type Heard = Pick<LayerOutcome, 'failed' | 'skipped' | 'passed'>;

/** Reads TAP. A test that found something missing says `skipped: why` and passes (scripts/tap-report.mjs). */
async function listen(output: NodeJS.ReadableStream): Promise<Heard> {
  const failed: string[] = [];
  const skipped: string[] = [];
  let ran: string[] = [];
  for await (const line of createInterface({ input: output })) {
    const [, not, title] = /^(not )?ok(?: \d+)? - (.*?)(?: # (?:SKIP|TODO).*)?$/.exec(line) ?? [];
    const why = /^#\s+skipped: (.*)$/.exec(line)?.[1];
    if (title !== undefined) (not === undefined ? ran : failed).push(title);
    else if (why !== undefined) {
      skipped.push(`${ran.at(-1)}: ${why}`);
      ran = ran.slice(0, -1);
    }
  }
  return { failed, skipped, passed: ran.length };
}

function outcomeOf(heard: Heard, tookTooLong: boolean, code: number | null): LayerOutcome['outcome'] {
  if (heard.failed.length > 0) return 'caught';
  if (tookTooLong) return 'time limit';
  if (code !== 0) return 'broken';
  return heard.passed === 0 ? 'nothing ran' : 'passed';
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10;
}
