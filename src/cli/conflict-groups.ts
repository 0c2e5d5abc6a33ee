/** Conflict copies beside the file they belong to, and what keeping one of them takes. No sockets. */
import type { Entry } from '../peers/protocol.ts';
import type { ConflictEntry } from '../peers/protocol-attic.ts';
import { originalPath } from '../replication/conflict-name.ts';
import type { Operation } from '../replication/operation.ts';
import { escapeControls } from '../system/log-line.ts';
import { formatBytes, formatTime, plural } from './status-page.ts';

export interface ConflictGroup {
  readonly original: string;
  readonly originalKnown: boolean;
  /** By path. */
  readonly copies: readonly ConflictEntry[];
}

/** By the path that was disagreed about. */
export function groupConflicts(entries: readonly ConflictEntry[]): ConflictGroup[] {
  const groups = Map.groupBy(entries, ({ original }) => original);
  return [...groups]
    .map(([original, copies]) => ({
      original,
      originalKnown: copies.every(({ originalKnown }) => originalKnown),
      copies: copies.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    }))
    .sort((a, b) => (a.original < b.original ? -1 : 1));
}

function facts({ size, mtime }: { size: number; mtime: number }): string {
  return `${formatBytes(size)}, changed ${formatTime(mtime)}`;
}

/** `at`: what is shown under the original path now. */
export function conflictsPage(
  groups: readonly ConflictGroup[],
  at: (original: string) => Pick<Entry, 'kind' | 'size' | 'mtime'> | null,
): string {
  if (groups.length === 0) return 'No conflicts.\n';
  const lines = groups.flatMap(({ original, originalKnown, copies }) => {
    const entry = originalKnown ? at(original) : null;
    const state =
      entry === null
        ? originalKnown
          ? 'nothing has that name any more'
          : 'its name was too long and is cut here'
        : entry.kind === 'directory'
          ? 'a folder'
          : facts(entry);
    return [
      `${escapeControls(original)}  (${state})`,
      ...copies.map(
        (copy) =>
          `    ${escapeControls(copy.path)}  (${facts(copy)}, through ${escapeControls(copy.member)})`,
      ),
    ];
  });
  const count = groups.reduce((sum, { copies }) => sum + copies.length, 0);
  return [
    ...lines,
    '',
    `${plural(count, 'conflict copy', 'conflict copies')} of ${plural(groups.length, 'file')}: people changed one file in two places at once.`,
    'Look at them, then keep one: cloudroid conflicts keep PATH (the others go to the trash)',
    '',
  ].join('\n');
}

export type Keeping =
  | {
      readonly kind: 'operations';
      readonly original: string;
      readonly operations: readonly Operation[];
      /** A file under the original name gives way. */
      readonly replaces: boolean;
    }
  /** There is no conflict (any more). */
  | { readonly kind: 'settled'; readonly original: string }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * What makes the content at `path` (an original or one of its copies) the only one. Deletions come first: broken off
 * anywhere, the same request does the rest, and the wanted content keeps its copy's name until it gets the right one.
 */
export function planKeep(
  path: string,
  groups: readonly ConflictGroup[],
  at: (path: string) => Pick<Entry, 'kind'> | null,
): Keeping {
  const refused = (why: string): Keeping => ({ kind: 'refused', why });
  const group = groups.find(
    ({ original, copies }) => original === path || copies.some((copy) => copy.path === path),
  );
  if (group === undefined) {
    const original = originalPath(path)?.path ?? path;
    return at(path)?.kind === 'file' || (original !== path && at(original)?.kind === 'file')
      ? { kind: 'settled', original }
      : refused('there is no such file');
  }
  const { original, originalKnown, copies } = group;
  const others = copies.filter((copy) => copy.path !== path);
  const operations: Operation[] = others.map((copy) => ({ op: 'delete', path: copy.path }));
  const there = at(original);
  if (path === original) {
    if (there !== null && originalKnown) return { kind: 'operations', original, operations, replaces: false };
    return refused('there is no file of that name any more: keep one of its copies');
  }
  if (!originalKnown) {
    return refused('its name was cut, so the original is not known: rename it with any FTP program');
  }
  if (there?.kind === 'directory') {
    return refused('a folder has that name now: rename the file with any FTP program, or keep the folder');
  }
  return {
    kind: 'operations',
    original,
    operations: [...operations, { op: 'rename', from: path, to: original }],
    replaces: there !== null,
  };
}
