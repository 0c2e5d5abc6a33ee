/** A peer behind a slow wire. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { becomeIdentical } from '../network/compare.ts';
import { withNetwork } from '../network/with-network.ts';

const RATE = 100_000;

test('a peer behind 100 kB/s does not slow an upload to the two others, and has it when the wire is good again', async (t) => {
  await withNetwork(t, { members: 3, wires: true }, async (network) => {
    const [a, b, c] = [network.member('a'), network.member('b'), network.member('c')];
    const client = await a.login();
    t.regex((await client.upload('STOR /before', 'x')).text, /Stored on 3 of 3 members\./);
    for (const relay of network.wiresOf('c')) relay.limit(RATE);
    const bytes = randomBytes(30_000_000);
    const before = network.wire('a', 'c').passed;
    const stored = await client.upload('STOR /file', bytes);
    t.is(stored.code, 226, stored.text);
    // No clock: had it waited for c, these bytes would have gone through the wire.
    const passed = network.wire('a', 'c').passed - before;
    t.true(passed < bytes.length / 2, `${passed} bytes went to the slow peer before the client was answered`);
    t.regex(stored.text, /Stored on 2 of 3 members \(.*\bc\b/);
    t.true(readFileSync(join(b.filesDir, 'file')).equals(bytes));
    t.false(existsSync(join(c.filesDir, 'file')), 'no half file on the slow one');
    // Whoever comes next is not slowed either.
    const next = await client.upload('STOR /next', randomBytes(3_000_000));
    t.is(next.code, 226, next.text);
    const total = network.wire('a', 'c').passed - before;
    t.true(total < bytes.length / 2, `${total} bytes`);
    for (const relay of network.wiresOf('c')) relay.limit(Number.POSITIVE_INFINITY);
    await becomeIdentical(network.members, 60_000);
    t.true(readFileSync(join(c.filesDir, 'file')).equals(bytes));
    client.destroy();
  });
});
