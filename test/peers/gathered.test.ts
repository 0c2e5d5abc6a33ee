import { Buffer } from 'node:buffer';
import test from 'ava';
import fc from 'fast-check';
import { Gathered } from '../../src/peers/gathered.ts';

test('what is kept is what came, however it was cut, and what was handed out does not change', (t) => {
  const chunk = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
    fc.uint8Array({ minLength: 4_000, maxLength: 5_000 }),
  );
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 60 }), fc.integer({ min: 0, max: 40_000 }), (chunks, most) => {
      const gathered = new Gathered();
      const seen: { readonly piece: Uint8Array; readonly was: Buffer }[] = [];
      for (const each of chunks) {
        const lent = Uint8Array.from(each);
        gathered.add(lent, true);
        lent.fill(0);
        const last = gathered.pieces.at(-1);
        if (last !== undefined) seen.push({ piece: last, was: Buffer.from(last) });
      }
      const all = Buffer.concat(chunks);
      t.deepEqual(Buffer.concat(gathered.pieces), all);
      t.is(gathered.bytes, all.length);
      for (const { piece, was } of seen) t.deepEqual(Buffer.from(piece), was);
      gathered.keepLast(most);
      t.true(gathered.bytes <= most);
      t.deepEqual(Buffer.concat(gathered.pieces), all.subarray(all.length - gathered.bytes));
      gathered.add(Buffer.from('more'), true);
      t.is(Buffer.concat(gathered.take()).subarray(-4).toString(), 'more');
      t.deepEqual([gathered.bytes, gathered.pieces.length], [0, 0]);
    }),
  );
});

test('a million bytes that come one by one are a few pieces', (t) => {
  const gathered = new Gathered();
  for (let n = 0; n < 1_000_000; n += 1) gathered.add(Uint8Array.of(n & 0xff), false);
  t.true(gathered.pieces.length < 100, `${gathered.pieces.length} pieces`);
  gathered.keepLast(100_000);
  t.true(gathered.bytes > 80_000);
});
