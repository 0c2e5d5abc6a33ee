import test from 'ava';
import { progressLine, showProgress } from '../../src/cli/sweep-progress.ts';
import type { SweepReport } from '../../src/peers/protocol-reports.ts';
import { quietSweep } from './reports.ts';

const report: SweepReport = { ...quietSweep, state: 'running', phase: 'scrubbing' };

function output(isTTY: boolean): {
  isTTY: boolean;
  columns: number;
  written: string[];
  write(text: string): boolean;
} {
  const written: string[] = [];
  return { isTTY, columns: 60, written, write: (text) => written.push(text) > 0 };
}

test('the line tells phase, how much of it is done, and what came of it', (t) => {
  t.is(progressLine(report, 100), 'scrubbing');
  t.is(progressLine({ ...report, done: 1, total: 4 }, 100), 'scrubbing     [#####               ]  25 %');
  t.is(progressLine({ ...report, done: 9, total: 4 }, 100), 'scrubbing     [####################] 100 %');
  t.is(
    progressLine(
      { ...report, phase: 'repairing', pulledFiles: 1, pulledBytes: 2048, repaired: 2, scrubbedBytes: 1024 },
      200,
    ),
    'repairing     1 file fetched (2.0 KiB)  2 repaired  1.0 KiB checked',
  );
  t.is(
    progressLine({ ...report, done: 1, total: 4 }, 20).length,
    20,
    'never longer than the terminal is wide',
  );
});

test('on a terminal one line is written over and over and cleared at the end', (t) => {
  const stdout = output(false);
  const stderr = output(true);
  const progress = showProgress(stdout, stderr);
  progress.show(report);
  progress.show({ ...report, phase: 'walking' });
  progress.show({ ...report, state: 'idle' });
  progress.end();
  t.deepEqual(stderr.written, ['\r\u001b[Kscrubbing', '\r\u001b[Kwalking', '\r\u001b[K']);
  t.deepEqual(stdout.written, []);
});

test('elsewhere each phase is a plain line, without control characters', (t) => {
  const stdout = output(false);
  const progress = showProgress(stdout, output(false));
  for (const phase of ['', 'catching up', 'catching up', 'walking', 'walking', ''])
    progress.show({ ...report, phase });
  progress.end();
  t.deepEqual(stdout.written, ['catching up ...\n', 'walking ...\n']);
});
