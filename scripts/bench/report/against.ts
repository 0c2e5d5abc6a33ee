/** What moved between two results: medians side by side. */
import { judge } from '../goals.ts';
import { type BenchResult, find } from '../result.ts';
import { median, shown } from '../statistics.ts';
import { columns } from './table.ts';

/** Less than this is noise, even where the runs of both do not overlap. */
const NOISE = 0.05;

function overlaps(one: readonly number[], other: readonly number[]): boolean {
  return Math.min(...one) <= Math.max(...other) && Math.min(...other) <= Math.max(...one);
}

export function against(older: BenchResult, newer: BenchResult): string {
  const rows = newer.measurements.flatMap((now) => {
    const then = find(older, now.workload, now.contestant);
    if (then === undefined) return [];
    const [before, after] = [median(then.values), median(now.values)];
    const change = after / before - 1;
    const better = change > 0 === (now.better === 'higher');
    const moved = Math.abs(change) > NOISE && !overlaps(then.values, now.values);
    const word = !moved ? '' : better ? 'better' : 'WORSE';
    const percent = Number.isFinite(change) ? `${change > 0 ? '+' : ''}${(change * 100).toFixed(0)} %` : '-';
    return [[now.title, now.contestant, shown(before), shown(after), now.unit, percent, word]];
  });
  const verdicts = judge(older);
  const turned = judge(newer).flatMap((verdict, index) => {
    const before = verdicts[index]?.met ?? null;
    if (before === null || verdict.met === null || before === verdict.met) return [];
    return [
      `goal ${verdict.met ? 'met now' : 'LOST'}: ${verdict.goal.text} (${verdicts[index]?.measured} -> ${verdict.measured})`,
    ];
  });
  const differs = (['machine', 'bigMebibytes', 'smallFiles', 'entries', 'networkMebibytes'] as const).filter(
    (key) => older[key] !== newer[key],
  );
  return [
    `against ${older.date.slice(0, 16)}, commit ${older.commit}${older.dirty ? ' with changes' : ''}:`,
    ...differs.map((key) => `not the same ${key}: ${older[key]} then, ${newer[key]} now; compare with care`),
    columns([['workload', 'who', 'then', 'now', '', 'change', ''], ...rows], 2),
    ...turned,
  ].join('\n');
}
