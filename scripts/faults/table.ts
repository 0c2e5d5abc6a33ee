/** The table of docs/reliability.md: one row a fault. */
import type { RunResult } from './run-fault.ts';

const columns = ['fault', 'runs', 'acknowledged operations', 'violations', 'outcome'] as const;

export function table(results: readonly RunResult[]): string {
  const names = [...new Set(results.map(({ fault }) => fault))];
  const rows = names.map((name) => {
    const own = results.filter(({ fault }) => fault === name);
    const sum = (figure: (result: RunResult) => number): number =>
      own.reduce((total, result) => total + figure(result), 0);
    return [
      name,
      String(own.filter(({ outcome }) => outcome !== 'skipped').length),
      String(sum(({ acknowledged }) => acknowledged)),
      String(sum(({ violations }) => violations.length)),
      outcomeOf(own),
    ];
  });
  return [[...columns], columns.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** The worst of them, with its reason. */
function outcomeOf(results: readonly RunResult[]): string {
  if (results.some(({ outcome }) => outcome === 'broken')) return 'BROKEN';
  const reasons = [...new Set(results.flatMap((result) => result.reasons))].join('; ');
  if (results.every(({ outcome }) => outcome === 'skipped')) return `skipped: ${reasons}`;
  return results.some(({ outcome }) => outcome === 'lacking') ? `kept; lacking: ${reasons}` : 'kept';
}
