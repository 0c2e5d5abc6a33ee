import { join } from 'node:path';
import test from 'ava';

interface TapReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  line(line: string): void;
  end(): void;
}
const place = join(import.meta.dirname, '..', '..', 'scripts', 'tap-report.mjs');
const { TapReport }: { TapReport: new (print: (line: string) => void) => TapReport } = await import(place);

function read(tap: string) {
  const printed: string[] = [];
  const report = new TapReport((line) => printed.push(line));
  for (const line of tap.split('\n')) report.line(line);
  report.end();
  return { counts: [report.passed, report.failed, report.skipped], printed };
}

test('passed, failed and skipped tests are counted as ava tells them', (t) => {
  const { counts, printed } = read(
    'TAP version 13\nok 1 - one # SKIP\nnot ok 2 - two # TODO\nok 3 - three\nnot ok 4 - four\n  ---\n    message: why\n  ...\n\n1..4\n# tests 3\n# pass 1\n# fail 1\n',
  );
  t.deepEqual(counts, [1, 1, 2]);
  t.true(printed.some((line) => line.includes('message: why')));
});

test('a test that says why it skips is counted as skipped, with its reason', (t) => {
  const { counts, printed } = read('ok 1 - uses lftp\n#   skipped: no lftp here\nok 2 - other\n#   a remark');
  t.deepEqual(counts, [1, 0, 1]);
  t.true(printed.includes('skipped: uses lftp: no lftp here'));
});

test('a title with a number sign is a title', (t) => {
  t.deepEqual(read('ok 1 - names such as a # b\nnot ok 2 - x # y').counts, [1, 1, 0]);
});
