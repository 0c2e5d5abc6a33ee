import test from 'ava';
import fc from 'fast-check';
import { nearest, slips } from '../../src/config/nearest.ts';

test('a slip of the keyboard finds the word that was meant', (t) => {
  const known = ['listen', 'passive-ports', 'peers', 'data'];
  for (const [given, meant] of [
    ['lisen', 'listen'],
    ['lsiten', 'listen'],
    ['pasive-port', 'passive-ports'],
    ['passive', 'passive-ports'],
    ['peer', 'peers'],
  ] as const) {
    t.is(nearest(given, known), meant);
  }
  t.is(nearest('xyzzy-quux', known), null);
});

test('slips is a distance: zero only for equal words, the same in both directions', (t) => {
  const word = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(word, word, (a, b) => slips(a, b) === slips(b, a) && (slips(a, b) === 0) === (a === b)),
  );
  t.pass();
});
