/** Rows of one moment, read by a connection of their own, however slowly. */
import type { DatabaseSync } from 'node:sqlite';

/** Rows of which `of` makes undefined are left out. The connection is closed at the end, by `return`, or when a row cannot be read. */
export function rowsOf<T>(
  database: DatabaseSync,
  rows: Iterator<Record<string, unknown>>,
  of: (row: Record<string, unknown>) => T | undefined,
): Iterable<T> & Disposable {
  let open = true;
  const close = () => {
    if (open) database.close();
    open = false;
  };
  // Not a generator: `return` on a generator that was never started would leave the connection open.
  const iterator: Iterator<T> = {
    next() {
      if (!open) return { done: true, value: undefined };
      try {
        for (let row = rows.next(); row.done !== true; row = rows.next()) {
          const value = of(row.value);
          if (value !== undefined) return { done: false, value };
        }
      } catch (error) {
        close();
        throw error;
      }
      close();
      return { done: true, value: undefined };
    },
    return() {
      close();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.iterator]: () => iterator, [Symbol.dispose]: close };
}
