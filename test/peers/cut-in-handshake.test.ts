/** Cutting a connection must not end the process, whatever it was doing at that moment. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';

const main = join(import.meta.dirname, 'cut-in-handshake.ts');

for (const [how, title] of [
  [
    'peer',
    'a data connection of a peer that is refused when its handshake ends is reset, and the storage server lives on',
  ],
  [
    'client',
    "a client's data connection that is cut when its handshake ends is reset, and the gateway lives on",
  ],
] as const) {
  test(title, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'cloudroid-cut-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const { stdout } = await promisify(execFile)(process.execPath, [main, how, join(folder, 'network.key')]);
    t.is(stdout.trim(), 'alive');
  });
}
