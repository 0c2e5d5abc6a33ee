/** The trash as a person sees it. */
import type { TrashEntry } from '../peers/protocol-attic.ts';
import { escapeControls } from '../system/log-line.ts';
import { formatBytes, formatTime, plural } from './status-page.ts';

const SHORTEST_ID = 6;

/** How many letters tell the ids apart, so that nobody types 24. */
export function shortIdLength(ids: readonly string[]): number {
  const sorted = [...ids].sort();
  let longest = SHORTEST_ID - 1;
  for (const [index, id] of sorted.entries()) {
    const next = sorted[index + 1] ?? '';
    let same = 0;
    while (same < id.length && id[same] === next[same]) same += 1;
    longest = Math.max(longest, same);
  }
  return longest + 1;
}

export function trashPage(entries: readonly TrashEntry[]): string {
  if (entries.length === 0) return 'The trash is empty.\n';
  const length = shortIdLength(entries.map(({ id }) => id));
  const rows = entries.map(({ id, path, size, at, why }) => [
    id.slice(0, length),
    formatTime(at),
    formatBytes(size),
    why,
    path === '' ? '(nobody knows where it was)' : escapeControls(path),
  ]);
  const table = [['ID', 'WHEN', 'SIZE', 'WHY', 'PATH'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  return [
    ...lines,
    '',
    `${plural(entries.length, 'file')}, ${formatBytes(bytes)}. To get one back: cloudroid trash restore ID`,
    '',
  ].join('\n');
}
