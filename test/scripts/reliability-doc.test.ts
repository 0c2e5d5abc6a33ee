/** docs/reliability.md says nothing that a raw file beside it does not back. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { RunResult } from '../../scripts/faults/run-fault.ts';
import { table } from '../../scripts/faults/table.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');

test('each table of docs/reliability.md is what its raw file adds up to', (t) => {
  const page = readFileSync(join(docs, 'reliability.md'), 'utf8');
  const named = [...page.matchAll(/\]\(reliability\/([^)]+\.jsonl)\)/g)].map(([, name = '']) => name);
  t.deepEqual([...new Set(named)].sort(), readdirSync(join(docs, 'reliability')).sort());
  const tables = named.map((name) => {
    const lines = readFileSync(join(docs, 'reliability', name), 'utf8')
      .trim()
      .split('\n');
    return table(lines.map((line) => JSON.parse(line) as RunResult));
  });
  for (const [index, wanted] of tables.entries())
    t.true(page.includes(wanted), `${named[index]}:\n${wanted}`);
  t.is([...page.matchAll(/^\| fault \|/gm)].length, tables.length, 'no table without a raw file');
});
