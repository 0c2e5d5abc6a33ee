/**
 * Does a closed store hold together? Compares catalog, view and disk, each worked out afresh from the records; shares
 * no code with the store but the name of a conflict copy.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { conflictPath } from '../../src/replication/conflict-name.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';

export interface StoreDirs {
  readonly filesDir: string;
  readonly stateDir: string;
}
export interface CheckOptions {
  /** The store was closed or recovered: no intents, and nothing in staging but uploads and batches. */
  readonly settled?: boolean;
  /** Disk places (`/a/b`) that the test damaged or added by itself. */
  readonly ignore?: readonly string[];
}

interface Row {
  readonly record: ReplicaRecord;
  readonly change: number;
  readonly place: string;
  readonly ino: string | null;
  readonly mtimeNs: string | null;
}

/** Everything that is wrong, one sentence each; [] for a sound store. */
export function checkStore(dirs: StoreDirs, options: CheckOptions = {}): string[] {
  const wrong: string[] = [];
  const database = new DatabaseSync(join(dirs.stateDir, 'catalog.sqlite'), { readOnly: true });
  try {
    for (const row of database.prepare('PRAGMA integrity_check').all()) {
      if (row['integrity_check'] !== 'ok') wrong.push(`SQLite: ${String(row['integrity_check'])}`);
    }
    const rows = readRows(database);
    const live = rows.filter(({ record }) => record.kind !== 'tombstone');
    const view = viewOf(live.map(({ record }) => record));
    checkDirectories(database, live, wrong);
    checkNumbers(database, rows, wrong);
    checkShadowed(database, view, wrong);
    checkFiles(dirs, live, view, options, wrong);
    checkDisk(dirs, view, options, wrong);
    checkTrash(database, dirs, wrong);
    if (options.settled ?? true) checkSettled(database, dirs, wrong);
  } finally {
    database.close();
  }
  return wrong;
}

/** In no directory that anybody sees. */
function isAccount(path: string): boolean {
  return path.startsWith('/.cloudroid/users/');
}

interface View {
  /** Disk place of each live file, by record path. */
  readonly places: ReadonlyMap<string, string>;
  readonly shadowed: ReadonlyMap<string, string>;
  readonly directories: ReadonlySet<string>;
}

function viewOf(live: readonly ReplicaRecord[]): View {
  const directories = new Set<string>();
  for (const { path, kind } of live.filter(({ path }) => !isAccount(path))) {
    if (kind === 'directory') directories.add(path);
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1)) {
      directories.add(path.slice(0, cut));
    }
  }
  const own = new Set(live.map(({ path }) => path));
  const places = new Map<string, string>();
  const shadowed = new Map<string, string>();
  for (const record of live.filter(({ kind }) => kind === 'file')) {
    if (!directories.has(record.path)) {
      places.set(record.path, record.path);
      continue;
    }
    const shown = conflictPath(record);
    shadowed.set(shown, record.path);
    const hidden = `/.cloudroid/hidden/${createHash('sha256').update(record.path).digest('hex')}`;
    places.set(record.path, own.has(shown) || directories.has(shown) ? hidden : shown);
  }
  return { places, shadowed, directories };
}

function readRows(database: DatabaseSync): Row[] {
  return database
    .prepare('SELECT * FROM records')
    .all()
    .map((row) => ({
      record: {
        path: String(row['path']),
        kind: (['tombstone', 'directory', 'file'] as const)[Number(row['kind'])] ?? 'tombstone',
        size: Number(row['size']),
        sha256: String(row['sha256']),
        mtime: Number(row['mtime']),
        dot: [String(row['actor']), Number(row['seq'])],
        stamp: Number(row['stamp']),
        context: JSON.parse(String(row['context'])),
        kept: JSON.parse(String(row['kept'])),
      },
      change: Number(row['change']),
      place: String(row['place'] ?? row['path']),
      ino: row['ino'] === null ? null : String(row['ino']),
      mtimeNs: row['disk_mtime_ns'] === null ? null : String(row['disk_mtime_ns']),
    }));
}

function checkDirectories(database: DatabaseSync, live: readonly Row[], wrong: string[]): void {
  const children = new Map<string, Set<string>>();
  for (const { record } of live.filter((row) => !isAccount(row.record.path))) {
    for (let path = record.path; ; ) {
      const cut = path.lastIndexOf('/');
      if (cut <= 0) break;
      const parent = path.slice(0, cut);
      const known = children.get(parent) ?? new Set();
      children.set(parent, known.add(path));
      path = parent;
    }
  }
  const stored = database.prepare('SELECT path, children FROM directories').all();
  for (const { path, children: count } of stored) {
    const wanted = children.get(String(path))?.size ?? 0;
    if (wanted !== count)
      wrong.push(`directories: ${String(path)} has ${wanted} children, counted ${String(count)}`);
  }
  if (stored.length !== children.size)
    wrong.push(`directories: ${stored.length} rows instead of ${children.size}`);
}

function checkNumbers(database: DatabaseSync, rows: readonly Row[], wrong: string[]): void {
  const meta = new Map(
    database
      .prepare('SELECT key, value FROM meta')
      .all()
      .map((row) => [row['key'], String(row['value'])]),
  );
  const actor = `${meta.get('member')}.${meta.get('incarnation')}`;
  const known = new Map(
    database
      .prepare('SELECT actor, seq FROM knowledge')
      .all()
      .map((row) => [String(row['actor']), Number(row['seq'])]),
  );
  for (const { record, change } of rows) {
    if (change > Number(meta.get('change')))
      wrong.push(`change ${change} of ${record.path} was never given out`);
    if (record.dot[0] === actor && record.dot[1] > Number(meta.get('lastSeq'))) {
      wrong.push(`seq ${record.dot[1]} of ${record.path} was never given out`);
    }
    // Not those of former incarnations: what a restored backup has lost leaves a gap that no knowledge closes.
    if (record.dot[0] === actor && (known.get(record.dot[0]) ?? 0) < record.dot[1]) {
      wrong.push(`knowledge lacks our own write ${record.dot.join(':')} of ${record.path}`);
    }
  }
}

function checkShadowed(database: DatabaseSync, view: View, wrong: string[]): void {
  const stored = new Map(
    database
      .prepare('SELECT shown, path FROM shadowed')
      .all()
      .map((row) => [String(row['shown']), String(row['path'])]),
  );
  for (const [shown, path] of view.shadowed) {
    if (stored.get(shown) !== path) wrong.push(`shadowed: ${path} should be shown at ${shown}`);
  }
  if (stored.size !== view.shadowed.size)
    wrong.push(`shadowed: ${stored.size} rows, not ${view.shadowed.size}`);
}

function checkFiles(
  { filesDir }: StoreDirs,
  live: readonly Row[],
  view: View,
  { ignore = [] }: CheckOptions,
  wrong: string[],
): void {
  for (const { record, place, ino, mtimeNs } of live) {
    if (record.kind !== 'file') continue;
    const wanted = view.places.get(record.path) ?? '';
    if (ignore.includes(wanted)) continue;
    if (place !== wanted) wrong.push(`${record.path} is catalogued at ${place}, belongs at ${wanted}`);
    const found = lstatSync(filesDir + wanted, { bigint: true, throwIfNoEntry: false });
    if (found === undefined || !found.isFile()) {
      wrong.push(`${record.path} is missing at ${wanted}`);
      continue;
    }
    if (String(found.ino) !== ino) wrong.push(`${wanted} is inode ${found.ino}, catalogued ${ino}`);
    if (String(found.mtimeNs) !== mtimeNs)
      wrong.push(`${wanted} has mtime ${found.mtimeNs}, catalogued ${mtimeNs}`);
    if (Math.abs(Number(found.mtimeNs) / 1e6 - record.mtime) > 1)
      wrong.push(`${wanted} does not have its mtime`);
    if (isAccount(wanted) && (found.mode & 0o777n) !== 0o600n) wrong.push(`${wanted} can be read by others`);
    const bytes = readFileSync(filesDir + wanted);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (bytes.length !== record.size || sha256 !== record.sha256) wrong.push(`${wanted} holds other bytes`);
  }
}

function checkDisk(
  { filesDir }: StoreDirs,
  view: View,
  { ignore = [] }: CheckOptions,
  wrong: string[],
): void {
  const places = new Set(view.places.values());
  const walk = (dir: string) => {
    for (const each of readdirSync(filesDir + dir, { withFileTypes: true })) {
      const place = `${dir}/${each.name}`;
      if (place === '/.cloudroid' || ignore.includes(place)) continue;
      if (each.isDirectory()) {
        if (!view.directories.has(place)) wrong.push(`directory ${place} is on disk only`);
        walk(place);
      } else if (!places.has(place)) wrong.push(`file ${place} is on disk only`);
    }
  };
  walk('');
  for (const dir of view.directories) {
    if (!ignore.includes(dir) && !existsSync(filesDir + dir))
      wrong.push(`directory ${dir} is missing on disk`);
  }
}

function checkTrash(database: DatabaseSync, { filesDir }: StoreDirs, wrong: string[]): void {
  const dir = join(filesDir, '.cloudroid/trash');
  const onDisk = new Set(readdirSync(dir));
  for (const row of database.prepare('SELECT id, path, sha256, size FROM trash').all()) {
    const id = String(row['id']);
    if (!onDisk.delete(id)) {
      wrong.push(`trash ${id} is missing`);
      continue;
    }
    if (isAccount(String(row['path']))) wrong.push(`an account is in the trash: ${id}`);
    if (row['sha256'] === '') continue;
    const sha256 = createHash('sha256')
      .update(readFileSync(join(dir, id)))
      .digest('hex');
    if (sha256 !== row['sha256']) wrong.push(`trash ${id} holds other bytes`);
  }
  for (const id of onDisk) wrong.push(`trash ${id} has no row`);
}

function checkSettled(database: DatabaseSync, { filesDir }: StoreDirs, wrong: string[]): void {
  for (const row of database.prepare('SELECT action, place FROM intents').all()) {
    wrong.push(`open intent: ${String(row['action'])} ${String(row['place'])}`);
  }
  for (const name of readdirSync(join(filesDir, '.cloudroid/staging'))) {
    if (/^(?:link|copy|inline|touch)-/.test(name)) wrong.push(`left in staging: ${name}`);
  }
}
