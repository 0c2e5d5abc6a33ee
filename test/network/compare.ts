/** Are all members the same? Looks at the disks, at what each proxy lists, and at the catalogs. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ExecutionContext } from 'ava';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';

/** One line a thing, sorted; `/a/b.txt file 5 <sha256>` or `/a directory`. */
export type Picture = readonly string[];

export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** The volume as it lies on the disk, `.cloudroid` left out. */
export async function diskPicture(filesDir: string, below = ''): Promise<Picture> {
  const lines: string[] = [];
  for (const entry of await readdir(join(filesDir, below), { withFileTypes: true })) {
    if (below === '' && entry.name === '.cloudroid') continue;
    const path = `${below}/${entry.name}`;
    if (entry.isDirectory()) lines.push(`${path} directory`, ...(await diskPicture(filesDir, path)));
    else if (entry.isFile()) lines.push(`${path} file ${await hashOfFile(join(filesDir, path))}`);
    else lines.push(`${path} neither file nor directory`);
  }
  return lines.sort();
}

/** The tree as a client sees it: `MLSD` through all folders. */
export async function listingPicture(member: Member): Promise<Picture> {
  const client = await member.login();
  const lines: string[] = [];
  const folders = ['/'];
  try {
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const { reply, bytes } = await client.download(`MLSD ${folder}`);
      if (reply.code !== 226) throw new Error(`MLSD ${folder} through ${member.name}: ${reply.text}`);
      for (const line of bytes.toString('utf8').split('\r\n').filter(Boolean)) {
        const space = line.indexOf(' ');
        const facts = new Map(
          line
            .slice(0, space)
            .split(';')
            .map((fact) => fact.toLowerCase().split('=') as [string, string]),
        );
        const type = facts.get('type');
        if (type === 'cdir' || type === 'pdir') continue;
        const path = `${folder === '/' ? '' : folder}/${line.slice(space + 1)}`;
        if (type === 'dir') folders.push(path);
        lines.push(
          type === 'dir'
            ? `${path} directory`
            : `${path} ${type} ${facts.get('size')} ${facts.get('modify')}`,
        );
      }
    }
  } finally {
    client.destroy();
  }
  return lines.sort();
}

/** Every record of the catalog, tombstones too, with its dot and context. */
export function catalogPicture(member: Member): Picture {
  const database = new DatabaseSync(join(member.stateDir, 'catalog.sqlite'), {
    readOnly: true,
    timeout: 5000,
  });
  try {
    const rows = database.prepare('SELECT path, kind, size, sha256, actor, seq, context FROM records').all();
    return rows
      .map((row) => {
        const context = Object.entries(JSON.parse(String(row['context'])) as { [actor: string]: number });
        const seen = context.map(([actor, seq]) => `${actor}:${seq}`).sort();
        const { path, kind, size, sha256, actor, seq } = row;
        return `${path} kind ${kind} ${size} ${sha256} [${actor} ${seq}] {${seen.join(' ')}}`;
      })
      .sort();
  } finally {
    database.close();
  }
}

/** What one has and the other lacks, both ways; null when they are equal. */
export function difference(nameA: string, a: Picture, nameB: string, b: Picture): string | null {
  const [inA, inB] = [new Set(a), new Set(b)];
  const onlyA = a.filter((line) => !inB.has(line)).slice(0, 10);
  const onlyB = b.filter((line) => !inA.has(line)).slice(0, 10);
  if (onlyA.length === 0 && onlyB.length === 0 && a.length === b.length) return null;
  return `only ${nameA}: ${JSON.stringify(onlyA)}; only ${nameB}: ${JSON.stringify(onlyB)}`;
}

/** Null when disks, listings and catalogs of all are the same; else the first difference found. */
export async function firstDifference(members: readonly Member[]): Promise<string | null> {
  const [first, ...others] = members;
  if (first === undefined) return null;
  const views = [
    ['catalog', (member: Member) => catalogPicture(member)],
    ['listing', (member: Member) => listingPicture(member)],
    ['disk', (member: Member) => diskPicture(member.filesDir)],
  ] as const;
  for (const [view, look] of views) {
    const own = await look(first);
    for (const other of others) {
      const found = difference(first.name, own, other.name, await look(other));
      if (found !== null) return `${view}: ${found}`;
    }
  }
  return null;
}

/** Each file on the disk is whole: what the listing says, with the bytes that the catalog names. */
export async function diskAgainstCatalog(member: Member): Promise<string | null> {
  const database = new DatabaseSync(join(member.stateDir, 'catalog.sqlite'), {
    readOnly: true,
    timeout: 5000,
  });
  try {
    // kind 2: a live file; `place` is where a file lies whose path became a folder.
    const rows = database
      .prepare('SELECT COALESCE(place, path) AS at, sha256 FROM records WHERE kind = 2')
      .all();
    const wanted = rows.map((row) => `${row['at']} file ${row['sha256']}`).sort();
    const found = (await diskPicture(member.filesDir)).filter((line) => !line.endsWith(' directory'));
    return difference('the catalog', wanted, 'the disk', found);
  } finally {
    database.close();
  }
}

export async function becomeIdentical(members: readonly Member[], withinMs = 30_000): Promise<void> {
  const names = members.map(({ name }) => name).join(', ');
  await waitUntil(`${names} are identical`, () => firstDifference(members), { withinMs, everyMs: 300 });
}

export async function assertIdentical(t: ExecutionContext, members: readonly Member[]): Promise<void> {
  t.is(await firstDifference(members), null);
  for (const member of members) t.is(await diskAgainstCatalog(member), null);
}
