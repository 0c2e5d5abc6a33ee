/** What the runs showed, for people and for docs/reliability.md. */
import type { LayerOutcome } from './run-layer.ts';

const HEAD = ['bug', 'layer', 'outcome', 'by which test', 'seconds'];

/** Markdown. */
export function table(outcomes: readonly LayerOutcome[]): string {
  const rows = outcomes.map(({ bug, layer, outcome, failed, skipped, seconds, passed }) => [
    bug ?? 'none',
    layer,
    bug === null && outcome === 'caught' ? 'FAILED' : outcome,
    failed[0] ?? `${passed} passed${skipped.length > 0 ? `, ${skipped.length} could not run here` : ''}`,
    seconds.toFixed(1),
  ]);
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
