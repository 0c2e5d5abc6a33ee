/**
 * The promises, held against the journal and the files that are there in the end. Nothing here reads a version vector: what a
 * later operation can have seen follows from times and cut links alone (causality.ts).
 */
import type { Causality } from './causality.ts';
import type { Change, Journal } from './journal.ts';
import type { Block } from './provable.ts';

/** Path -> blocks, of every file on the disk of one member (all are the same by then). */
export type Files = ReadonlyMap<string, readonly Block[] | string>;

/** Or what a member whose catalog was lost found under a name that the others had given to another file. */
const COPY = /\.conflict-\d{8}T\d{6}\.\d{3}Z-[^/]*$|\.recovered-\d{8}T\d{6}\.\d{3}Z(?:-[0-9a-f]{12})?$/;
const MAX_RENAMES = 5;

export function isConflictCopy(path: string): boolean {
  return COPY.test(path);
}

/** Everything that is wrong, a sentence each. */
export function judge(journal: Journal, causality: Causality, files: Files): string[] {
  const changes = journal.changes.filter(({ outcome }) => outcome !== 'refused');
  return [
    ...brokenFiles(journal, files),
    ...lostWrites(changes, causality, files),
    ...returned(changes, causality, files),
    ...halfRenames(changes, causality, files),
  ];
}

const told = ({ verb, path, to, client, via, id, answer }: Change): string =>
  `${verb} ${path}${to === undefined ? '' : ` -> ${to}`} by ${client} through ${via} (${id}: ${answer})`;

/** Torn, mixed, damaged, foreign, or refused and there all the same. */
function brokenFiles(journal: Journal, files: Files): string[] {
  const byId = new Map(journal.changes.map((change) => [change.id, change]));
  const wrong: string[] = [];
  for (const [path, blocks] of files) {
    if (typeof blocks === 'string') {
      wrong.push(`broken file ${path}: ${blocks}`);
      continue;
    }
    for (const [index, { id }] of blocks.entries()) {
      const change = byId.get(id);
      if (change === undefined) wrong.push(`${path} holds block ${id}, which nobody wrote`);
      else if (change.outcome === 'refused') wrong.push(`refused but there, in ${path}: ${told(change)}`);
      else if (index > 0 && change.verb !== 'APPE')
        wrong.push(`mixed file ${path}: ${id} is no appended block`);
    }
    const ids = blocks.map(({ id }) => id);
    if (new Set(ids).size !== ids.length) wrong.push(`${path} holds a block twice: ${ids.join(' ')}`);
  }
  return wrong;
}

/**
 * Every acknowledged write is visible somewhere, or something that may have seen it took its place and is itself accounted
 * for. An append never excuses: it contains what it saw. Worked out from what is visible backwards, so that two
 * lost writes cannot excuse each other.
 */
function lostWrites(changes: readonly Change[], causality: Causality, files: Files): string[] {
  const visible = new Set<string>();
  for (const blocks of files.values())
    if (typeof blocks !== 'string') for (const { id } of blocks) visible.add(id);
  const writes = changes.filter(({ verb }) => verb === 'STOR' || verb === 'APPE');
  const accounted = new Set(writes.filter(({ id }) => visible.has(id)));
  const removals = changes.filter(({ verb }) => verb === 'DELE');
  const renames = changes.filter(({ verb }) => verb === 'RENAME');
  const excusedAt = (path: string, seen: Change, depth: number): boolean =>
    removals.some((change) => change.path === path && causality.mayHaveSeen(seen, change)) ||
    writes.some(
      (change) =>
        change.verb === 'STOR' &&
        change.path === path &&
        accounted.has(change) &&
        causality.mayHaveSeen(seen, change),
    ) ||
    (depth < MAX_RENAMES &&
      renames.some((change) => {
        const moved = movedBy(change, path);
        return moved !== null && causality.mayHaveSeen(seen, change) && excusedAt(moved, change, depth + 1);
      }));
  for (let grown = true; grown; ) {
    grown = false;
    for (const write of writes) {
      if (accounted.has(write) || !excusedAt(write.path, write, 0)) continue;
      accounted.add(write);
      grown = true;
    }
  }
  return writes
    .filter((write) => write.outcome === 'acknowledged' && !accounted.has(write))
    .filter((write) => !causality.isGoneWithDisk(write))
    .map((write) => `acknowledged and lost: ${told(write)}`);
}

/** Where the rename takes that path; null when it does not touch it. */
function movedBy(rename: Change, path: string): string | null {
  if (path === rename.path) return rename.to ?? null;
  return path.startsWith(`${rename.path}/`) ? `${rename.to}${path.slice(rename.path.length)}` : null;
}

/** No version stands under its name after a deletion, a replacement or a rename by somebody who had it. */
function returned(changes: readonly Change[], causality: Causality, files: Files): string[] {
  const wrong: string[] = [];
  const renames = changes.filter(({ verb }) => verb === 'RENAME');
  for (const [path, blocks] of files) {
    if (typeof blocks === 'string' || isConflictCopy(path)) continue;
    const version = changes.find(({ id }) => id === blocks.at(-1)?.id);
    if (version === undefined || version.path !== path) continue;
    if (renames.some(({ to }) => to !== undefined && (path === to || path.startsWith(`${to}/`)))) continue;
    for (const change of changes) {
      const ends =
        change.verb === 'RENAME'
          ? movedBy(change, path) !== null
          : change.path === path && change.verb !== 'MKD';
      if (!ends || change === version || causality.isGoneWithDisk(change)) continue;
      if (causality.definitelySaw(version, change))
        wrong.push(`came back: ${told(version)}, ended by ${told(change)}`);
    }
  }
  return wrong;
}

/** A folder is renamed as a whole or not at all: what it held when that was asked is all at one place. */
function halfRenames(changes: readonly Change[], causality: Causality, files: Files): string[] {
  const byId = new Map(changes.map((change) => [change.id, change]));
  const places = new Map<string, { readonly path: string; readonly last: Change | undefined }[]>();
  for (const [path, blocks] of files) {
    if (typeof blocks === 'string' || isConflictCopy(path)) continue;
    const last = byId.get(blocks.at(-1)?.id ?? '');
    for (const { id } of blocks) places.set(id, [...(places.get(id) ?? []), { path, last }]);
  }
  return changes
    .filter(({ verb }) => verb === 'RENAME')
    .flatMap((rename) => {
      const inside = changes.filter(
        (change) =>
          (change.verb === 'STOR' || change.verb === 'APPE') &&
          change.path.startsWith(`${rename.path}/`) &&
          causality.definitelySaw(change, { ...rename, outcome: 'acknowledged', here: true }),
      );
      const there = inside.flatMap(({ id }) => places.get(id) ?? []);
      // Appended to by somebody who had yet to hear of the rename, it is a new file under the old name, with the old bytes in it.
      const isAnew = (last: Change | undefined): boolean =>
        last?.verb === 'APPE' && !inside.includes(last) && !causality.definitelySaw(rename, last);
      const old = there.find(({ path, last }) => path.startsWith(`${rename.path}/`) && !isAnew(last));
      const young = there.find(({ path }) => path.startsWith(`${rename.to}/`));
      if (old === undefined || young === undefined) return [];
      const by = old.last === undefined ? 'nobody' : told(old.last);
      return [`half a rename: ${told(rename)}: ${old.path}, last changed by ${by}, and ${young.path}`];
    });
}
