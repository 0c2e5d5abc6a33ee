/** The house rules that a machine can check: which folder may use which, no cycles, no long files, lint that really bites. */
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize, relative } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '..');
const MAX_LINES = 250;
const forbiddenNames = ['utils', 'util', 'helpers', 'helper', 'common', 'manager', 'misc'];

const ground = ['config', 'system'];
/** Each folder of src with the folders it may use besides itself. */
const mayUse: { readonly [folder: string]: readonly string[] } = {
  'main.ts': ['cli', ...ground],
  cli: [
    'appliance',
    'proxy',
    'accounts',
    'tls',
    'sweep',
    'storage',
    'peers',
    'replication',
    'ftp',
    ...ground,
  ],
  proxy: ['accounts', 'peers', 'replication', 'ftp', ...ground],
  appliance: ground,
  accounts: ground,
  tls: ground,
  sweep: ['peers', 'replication', 'ftp', ...ground],
  storage: ['peers', 'replication', 'ftp', ...ground],
  peers: ['replication', 'ftp', ...ground],
  replication: ground,
  ftp: ground,
  config: ['system'],
  system: ['config'],
};

interface Source {
  readonly path: string;
  readonly text: string;
  /** Files of src that it imports, types included. */
  readonly imports: readonly string[];
}

function importsIn(path: string, text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)'(\.[^']*)'/g);
  return [...found].map(([, target = '']) => normalize(join(dirname(path), target)));
}

function readSources(folder: string): Source[] {
  return readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = relative(join(folder, 'src'), join(entry.parentPath, entry.name));
      const text = readFileSync(join(folder, 'src', path), 'utf8');
      return { path, text, imports: importsIn(path, text) };
    });
}

const folderOf = (path: string): string => path.split('/')[0] ?? path;

function wrongArrows(sources: readonly Source[]): string[] {
  const paths = new Set(sources.map(({ path }) => path));
  return sources.flatMap(({ path, imports }) =>
    imports.flatMap((target) => {
      const [from, to] = [folderOf(path), folderOf(target)];
      if (!paths.has(target)) return [`${path} imports ${target}, which is not there`];
      return from === to || mayUse[from]?.includes(to) === true ? [] : [`${path} imports ${target}`];
    }),
  );
}

/** Each cycle once, as `a -> b -> a`. */
function cycles(sources: readonly Source[]): string[] {
  const graph = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  return found;
}

const sources = readSources(root);

test('imports point one way through the folders', (t) => {
  t.true(sources.length > 20);
  t.deepEqual(wrongArrows(sources), []);
});

test('no file imports itself by a detour', (t) => {
  t.deepEqual(cycles(sources), []);
});

test('every folder of src has its place in the order', (t) => {
  t.deepEqual(
    [...new Set(sources.map(({ path }) => folderOf(path)))].filter((folder) => mayUse[folder] === undefined),
    [],
  );
});

test(`no file of src is longer than ${MAX_LINES} lines`, (t) => {
  const long = sources.filter(({ text }) => text.trimEnd().split('\n').length > MAX_LINES);
  t.deepEqual(
    long.map(({ path }) => path),
    [],
  );
});

test('no file or folder is named after nothing in particular', (t) => {
  const names = sources.flatMap(({ path }) => path.split('/').map((part) => basename(part, '.ts')));
  t.deepEqual(
    names.filter((name) => forbiddenNames.includes(name)),
    [],
  );
});

test('no installed package is locked without its place in the lock, and no lock names a registry', (t) => {
  const lock: unknown = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  t.true(typeof lock === 'object' && lock !== null && 'packages' in lock);
  const packages = (lock as { packages: { [path: string]: { [key: string]: unknown } } }).packages;
  const missing: string[] = [];
  for (const [path, entry] of Object.entries(packages)) {
    t.false('resolved' in entry, `${path} names where it was downloaded`);
    for (const name of Object.keys({
      ...Object(entry['optionalDependencies']),
      ...Object(entry['dependencies']),
    })) {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`];
      for (let up = path; up.includes('/node_modules/'); ) {
        up = up.slice(0, up.lastIndexOf('/node_modules/'));
        places.push(`${up}/node_modules/${name}`);
      }
      if (!places.some((place) => packages[place] !== undefined)) missing.push(`${path} needs ${name}`);
    }
  }
  t.deepEqual(missing, []);
});

test('package.json names exact versions only', (t) => {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const parts = Object(manifest) as { [part: string]: { [name: string]: string } };
  for (const part of ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides']) {
    for (const [name, version] of Object.entries(parts[part] ?? {})) {
      t.regex(version, /^(npm:[a-z@/-]+@)?\d+\.\d+\.\d+$/, name);
    }
  }
});

/** Runs a check on a small tree of its own and gives the findings back. */
function withTree<T>(files: { readonly [path: string]: string }, look: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-layout-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return look(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the guard finds a wrong arrow, a missing file and a cycle', (t) => {
  const files = {
    'src/ftp/reply.ts': "import { a } from '../proxy/session.ts';\nimport './gone.ts';",
    'src/proxy/session.ts': "export const a = await import('./other.ts');",
    'src/proxy/other.ts': "export { a } from './session.ts';",
  };
  withTree(files, (folder) => {
    const small = readSources(folder);
    t.deepEqual(wrongArrows(small).sort(), [
      'ftp/reply.ts imports ftp/gone.ts, which is not there',
      'ftp/reply.ts imports proxy/session.ts',
    ]);
    t.is(cycles(small).length, 1);
  });
});

test('lint refuses a forgotten promise, a misused one, a switch with a case too few, any and !', (t) => {
  const files = {
    'src/a.ts': 'export async function work(): Promise<number> {\n  return 1;\n}\n',
    'src/b.ts': `import { work } from './a.ts';

export function floating(): void {
  work();
}
export function misused(list: string[]): string {
  list.forEach(async () => {
    await work();
  });
  if (work()) return 'always';
  return 'never';
}
export function tooFew(kind: 'file' | 'directory' | 'tombstone'): void {
  switch (kind) {
    case 'file':
      break;
    case 'directory':
      break;
  }
}
export function anything(value: any, list: string[]): string {
  return list[0]! + value;
}
`,
  };
  withTree(files, (folder) => {
    const configuration = readFileSync(join(root, 'biome.json'), 'utf8');
    writeFileSync(join(folder, 'biome.json'), configuration.replace('"enabled": true', '"enabled": false'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [biome, 'lint', '--reporter=github', 'src'],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
    const errors = [
      ...`${stdout}${stderr}`.matchAll(/title=lint\/\w+\/(\w+),file=[^,]*src\/b\.ts,line=(\d+)/g),
    ];
    t.not(status, 0);
    t.deepEqual(
      errors.map(([, rule, line]) => `${line} ${rule}`).sort(),
      [
        '10 noMisusedPromises',
        '14 useExhaustiveSwitchCases',
        '21 noExplicitAny',
        '22 noNonNullAssertion',
        '4 noFloatingPromises',
        '7 noMisusedPromises',
      ],
      stdout + stderr,
    );
  });
});
