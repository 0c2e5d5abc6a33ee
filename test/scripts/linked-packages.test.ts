import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const scripts = join(import.meta.dirname, '..', '..', 'scripts');

test("a checkout whose packages are a link to another's leaves those alone", (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-linked-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [checkout, others] = [join(folder, 'checkout'), join(folder, 'others')];
  for (const made of [join(checkout, 'scripts'), join(others, 'package')]) {
    mkdirSync(made, { recursive: true });
  }
  for (const name of ['toolchain.mjs', 'setup-lock.mjs']) {
    copyFileSync(join(scripts, name), join(checkout, 'scripts', name));
  }
  const manifest = { name: 'checkout', version: '1.0.0' };
  writeFileSync(join(checkout, 'package.json'), JSON.stringify(manifest));
  const lock = { ...manifest, lockfileVersion: 3, packages: { '': manifest } };
  writeFileSync(join(checkout, 'package-lock.json'), JSON.stringify(lock));
  symlinkSync(others, join(checkout, 'node_modules'));
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(checkout, 'scripts', 'toolchain.mjs'), 'build'],
    { encoding: 'utf8' },
  );
  t.is(status, 1);
  t.regex(stderr, /is a link/);
  t.true(existsSync(join(others, 'package')));
});
