import test from 'ava';
import { namePattern } from '../../src/ftp/name-pattern.ts';

const fits = (pattern: string, name: string) => namePattern(`/${pattern}`)?.matches(name);

test('* is any number of characters, ? is one, everything else is itself', (t) => {
  for (const [pattern, name, expected] of [
    ['*', 'a', true],
    ['*', '.hidden', false],
    ['.*', '.hidden', true],
    ['?hidden', '.hidden', false],
    ['*.txt', 'a.txt', true],
    ['*.txt', '.txt', false],
    ['*.txt', 'a.txt.bak', false],
    ['*.txt', 'a.TXT', false],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'acb', false],
    ['*a*', 'bab', true],
    ['**', 'x', true],
    ['?', '\u{1f4be}', true],
    ['?', '\u00e9', true],
    ['?', 'e\u0301', false],
    ['??', 'ab', true],
    ['??', 'a', false],
    ['[a]*', 'a', false],
    ['[a]*', '[a]b', true],
    ['{a,b}*', 'a', false],
    ['a\\*', 'a*', false],
    ['a\\*', 'a\\b', true],
    ['a.c*', 'abc', false],
  ] as const) {
    t.is(fits(pattern, name), expected, `${pattern} ${name}`);
  }
});

test('only the last component is a pattern', (t) => {
  t.is(namePattern('/a*/b'), null);
  t.is(namePattern('/'), null);
  t.is(namePattern('/a/*')?.directory, '/a');
  t.is(namePattern('/a*/*')?.directory, '/a*');
});

test('the worst pattern that fits into a name is compared in bounded steps', (t) => {
  // With a backtracking matcher this would not end.
  t.is(fits(`${'*a'.repeat(126)}*b`, 'a'.repeat(255)), false);
  t.is(fits(`${'*a'.repeat(126)}*`, 'a'.repeat(255)), true);
});
