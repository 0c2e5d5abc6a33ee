import test from 'ava';
import { isCollectable, TOMBSTONE_KEEP_MS } from '../../src/replication/tombstones.ts';
import { record } from './records.ts';

const deletion = record('a.1', 3, { kind: 'tombstone', seen: { 'b.1': 2 } });
const everything = { 'a.1': 3, 'b.1': 2 };
const STORED_AT = 1_000;
const LATER = STORED_AT + TOMBSTONE_KEEP_MS;

test('a deletion that every member knows, with all it has seen, is forgotten after its time', (t) => {
  t.true(isCollectable(deletion, STORED_AT, LATER, [everything, everything]));
  t.false(isCollectable(deletion, STORED_AT, LATER - 1, [everything, everything]), 'not before');
});

test('one member that does not know the deletion keeps it', (t) => {
  t.false(isCollectable(deletion, STORED_AT, LATER, [everything, { 'a.1': 2, 'b.1': 2 }]));
  t.false(isCollectable(deletion, STORED_AT, LATER, [{}, everything]), 'nor one that is not heard of');
});

test('one member that lacks a write which the deletion ended keeps it: that write would be news there', (t) => {
  t.false(isCollectable(deletion, STORED_AT, LATER, [everything, { 'a.1': 3, 'b.1': 1 }]));
});

test('the end of a conflict copy is never forgotten, nor is a file', (t) => {
  const copyEnded = record('a.1', 3, { kind: 'tombstone', seen: { '*b.1': 2 } });
  t.false(isCollectable(copyEnded, STORED_AT, LATER, [{ ...everything, '*b.1': 2 }]));
  t.false(isCollectable(record('a.1', 3), STORED_AT, LATER, [everything]));
});
