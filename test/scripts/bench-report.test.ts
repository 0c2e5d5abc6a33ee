/** What `npm run bench` makes of its figures. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { judge } from '../../scripts/bench/goals.ts';
import { networkCases } from '../../scripts/bench/network/cases.ts';
import { readOptions } from '../../scripts/bench/options.ts';
import { against } from '../../scripts/bench/report/against.ts';
import { measuredPart, withMeasured } from '../../scripts/bench/report/markdown.ts';
import { rowsOf } from '../../scripts/bench/report/rows.ts';
import { chart, escapeXml } from '../../scripts/bench/report/svg.ts';
import { columns, terminalReport } from '../../scripts/bench/report/table.ts';
import type { BenchResult, Measurement } from '../../scripts/bench/result.ts';
import { median, shown } from '../../scripts/bench/statistics.ts';
import { allWorkloads } from '../../scripts/bench/workloads/all.ts';

const root = join(import.meta.dirname, '..', '..');

const measured = (workload: string, contestant: string, more: Partial<Measurement>): Measurement => ({
  workload,
  title: `title of ${workload}`,
  contestant,
  unit: 'MB/s',
  better: 'higher',
  values: [],
  cpuSeconds: [1],
  cpuByPart: {},
  gibibytes: 0,
  peakMegabytes: {},
  ...more,
});

const result = (measurements: readonly Measurement[], more: Partial<BenchResult> = {}): BenchResult => ({
  date: '2026-11-23T16:00:00.000Z',
  machine: 'a <machine> & "more"',
  cores: 2,
  memoryMegabytes: 4000,
  kernel: 'Linux 6',
  node: '26.10.0',
  commit: '0123456789ab',
  dirty: true,
  loadBefore: 0.1,
  runs: 3,
  bigMebibytes: 1024,
  smallFiles: 1000,
  entries: 10_000,
  networkMebibytes: 64,
  clientMegabits: null,
  seconds: 1,
  skipped: ['pyftpdlib: not installed'],
  measurements,
  ...more,
});

const upload = (contestant: string, values: readonly number[], more: Partial<Measurement> = {}) =>
  measured('big-up', contestant, { values, cpuSeconds: [1, 3, 2], gibibytes: 1, ...more });

test('the median of an even count lies between the two in the middle, of an odd count it is one of them', (t) => {
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(median([9, 1, 5]), 5);
  t.is(median([7]), 7);
  t.is(median([1, 2]), 1.5);
  t.true(Number.isNaN(median([])));
  t.deepEqual([1237, 47.14, 0.514, 0.0521].map(shown), ['1237', '47.1', '0.51', '0.052']);
});

test('a goal is met, missed or not measured, from the medians of one run', (t) => {
  const verdicts = judge(
    result([upload('vsftpd', [1000, 900, 1100]), upload('cloudroid-1', [500, 499, 700])]),
  );
  const of = (name: string) => verdicts.find(({ goal }) => goal.name === name);
  t.deepEqual([of('big-up')?.measured, of('big-up')?.met], ['0.50', true]);
  t.deepEqual([of('cpu-up')?.measured, of('cpu-up')?.met], ['2.00', true]);
  t.deepEqual([of('big-down')?.measured, of('big-down')?.met], ['not measured', null]);
  const slower = judge(result([upload('vsftpd', [1000]), upload('cloudroid-1', [499])]));
  t.is(slower.find(({ goal }) => goal.name === 'big-up')?.met, false);
  const slow = judge(
    result([measured('list', 'vsftpd', { values: [20] }), measured('list', 'cloudroid-1', { values: [31] })]),
  );
  t.is(slow.find(({ goal }) => goal.name === 'list')?.met, false);
});

test('the memory of the proxy is judged, not that of the storage server', (t) => {
  const peakMegabytes = { 'cloudroid-proxy': 119, 'cloudroid-ftp': 400 };
  const verdicts = judge(result([upload('cloudroid-3', [100], { peakMegabytes })]));
  t.is(verdicts.find(({ goal }) => goal.name === 'proxy-memory')?.met, true);
});

test('every goal has one limit, and a full run measures all of them', (t) => {
  const options = readOptions([]);
  const names = [...allWorkloads(options.sizes), ...networkCases(options)].map(({ name }) => name);
  const everybody = ['vsftpd', 'cloudroid-1', 'cloudroid-3', 'cloudroid-9', 'glusterfs-3'];
  const more = { values: [1], gibibytes: 1, peakMegabytes: { 'cloudroid-proxy': 1 } };
  const full = result(
    names.flatMap((name) => everybody.map((contestant) => measured(name, contestant, more))),
  );
  for (const { goal, met } of judge(full)) {
    t.true((goal.least === undefined) !== (goal.most === undefined), goal.name);
    t.not(met, null, goal.name);
  }
});

test('better than vsftpd is above 1, whether more or less is better', (t) => {
  const rows = rowsOf(
    result([
      upload('vsftpd', [1000]),
      upload('cloudroid-1', [500]),
      measured('list', 'vsftpd', { values: [20], better: 'lower', unit: 'ms' }),
      measured('list', 'cloudroid-1', { values: [10], better: 'lower', unit: 'ms' }),
    ]),
  );
  t.deepEqual(
    rows.map(({ ratio }) => ratio),
    ['', '0.50 x', '', '2.00 x'],
  );
  t.is(rows[1]?.cpu, '2.00 s/GiB');
});

test('CPU of each member is told apart', (t) => {
  const cpuByPart = { 'member-1': [1], 'member-2': [0.5] };
  const [row] = rowsOf(
    result([upload('cloudroid-3', [100], { cpuSeconds: [1.5], cpuByPart, gibibytes: 0.5 })]),
  );
  t.is(row?.cpu, '3.00 s/GiB (2.00 + 1.00)');
});

test('columns stand under each other', (t) => {
  t.is(
    columns(
      [
        ['a', '1'],
        ['long', '200'],
      ],
      1,
    ),
    'a       1\nlong  200',
  );
});

test('the report says what was not measured, and of which commit with changes it is', (t) => {
  const text = terminalReport(result([upload('vsftpd', [1000])]));
  t.true(text.includes('commit 0123456789ab with changes'));
  t.true(text.includes('skipped: pyftpdlib: not installed'));
  t.true(text.includes('not measured'));
});

test('against an older result, only what is beyond noise and spread is called better or worse', (t) => {
  const older = result([
    upload('vsftpd', [1000, 1010]),
    upload('cloudroid-1', [600, 610]),
    measured('list', 'cloudroid-1', { values: [20, 40], better: 'lower' }),
    measured('noop', 'cloudroid-1', { values: [0.2], better: 'lower' }),
  ]);
  const newer = result(
    [
      upload('vsftpd', [1001, 1009]),
      upload('cloudroid-1', [400, 410]),
      measured('list', 'cloudroid-1', { values: [22, 50], better: 'lower' }),
      measured('noop', 'cloudroid-1', { values: [0.05], better: 'lower' }),
    ],
    { smallFiles: 10 },
  );
  const lines = against(older, newer).split('\n');
  const line = (part: string) => lines.find((one) => one.includes(part)) ?? '';
  t.regex(line('big-up  cloudroid-1'), /-33 % +WORSE$/);
  t.regex(line('title of list'), /\+20 %$/);
  t.regex(line('title of noop'), /-75 % +better$/);
  t.true(lines.some((one) => one.startsWith('goal LOST: upload of the big file')));
  t.true(lines.some((one) => one.startsWith('goal met now: NOOP')));
  t.true(lines.some((one) => one.includes('not the same smallFiles')));
});

/** Every tag closed in order, every attribute quoted, no bare & or <: enough to tell a broken chart. */
function brokenXml(text: string): string | null {
  const open: string[] = [];
  let rest = text;
  while (rest !== '') {
    const tag = /^<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/i.exec(rest);
    const words = /^[^<&]+|^&(?:amp|lt|gt|quot);/.exec(rest);
    if (tag === null && words === null) return rest.slice(0, 60);
    if (tag !== null) {
      const [, closes, name = '', , alone] = tag;
      if (closes === '/' && open.pop() !== name) return `</${name}>`;
      if (closes === '' && alone === '') open.push(name);
    }
    rest = rest.slice((tag ?? words)?.[0].length);
  }
  return open.length === 0 ? null : `<${open.join('>')}> is never closed`;
}

test('the chart is well-formed whatever a machine is called, has its figures as text and colours for the dark', (t) => {
  const svg = chart(
    result([upload('vsftpd', [1000]), upload('cloudroid-1', [0, 0, 0]), upload('odd', [-0.2])]),
  );
  t.is(brokenXml(svg), null);
  t.not(brokenXml(svg.replace('&lt;', '<')), null);
  t.not(brokenXml(svg.replace('</style>', '')), null);
  t.true(svg.includes('>1000 MB/s</text>'));
  t.true(svg.includes('prefers-color-scheme: dark'));
  t.false(/NaN|Infinity|="-/.test(svg));
  t.is(escapeXml('a\u0000<b>'), 'a&lt;b&gt;');
});

test('only the measured part of the page is written anew', (t) => {
  const page = withMeasured(`before\n${measuredPart(result([]))}\nafter`, result([upload('vsftpd', [1000])]));
  t.true(page.startsWith('before\n'));
  t.true(page.endsWith('\nafter'));
  t.true(page.includes('| title of big-up | vsftpd | 1000 MB/s |'));
  t.throws(() => withMeasured('no marks', result([])), { instanceOf: TypeError });
});

test('docs/performance.md shows what docs/performance.json holds', (t) => {
  const docs = join(root, 'docs');
  const page = readFileSync(join(docs, 'performance.md'), 'utf8');
  if (!readdirSync(docs).includes('performance.json')) {
    t.false(page.includes('| workload |'), 'no figures without the raw file');
    return;
  }
  const raw = JSON.parse(readFileSync(join(docs, 'performance.json'), 'utf8')) as BenchResult;
  t.is(withMeasured(page, raw), page);
  t.is(readFileSync(join(docs, 'performance.svg'), 'utf8'), chart(raw));
});

test('options that make no sense are refused by name', (t) => {
  t.throws(() => readOptions(['--runs', '0']), { message: /--runs/ });
  t.throws(() => readOptions(['--nonsense']), { instanceOf: TypeError });
  t.is(readOptions([]).runs, 3);
  t.deepEqual(readOptions(['--only', 'list, noop']).only, ['list', 'noop']);
});
