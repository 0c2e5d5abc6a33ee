/** The report in the terminal. */
import { judge, limitOf, type Verdict } from '../goals.ts';
import type { BenchResult } from '../result.ts';
import { explanation, headline, rowsOf } from './rows.ts';

/** Columns as wide as their widest cell, two spaces between them; the names to the left, figures to the right. */
export function columns(rows: readonly (readonly string[])[], left: number): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, at) => (at < left ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const verdictWord = ({ met }: Verdict): string => (met === null ? '-' : met ? 'met' : 'NOT MET');

export function terminalReport(result: BenchResult): string {
  let last = '';
  const rows = rowsOf(result).map(({ workload, contestant, value, spread, ratio, cpu, memory }) => {
    const title = workload === last ? '' : workload;
    last = workload;
    return [title, contestant, value, spread, ratio, cpu, memory];
  });
  const header = ['workload', 'who', 'median', 'least - most', 'x vsftpd', 'CPU', 'memory'];
  const goals = judge(result).map((verdict) => [
    verdict.goal.text,
    verdict.measured,
    limitOf(verdict.goal),
    verdictWord(verdict),
  ]);
  return [
    headline(result),
    '',
    columns([header, ...rows], 2),
    '',
    explanation,
    '',
    columns([['goal of issue 6', 'measured', 'goal', ''], ...goals], 1),
    ...result.skipped.map((line) => `skipped: ${line}`),
  ].join('\n');
}
