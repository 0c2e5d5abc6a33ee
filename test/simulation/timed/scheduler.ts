/**
 * Virtual time. Whatever takes time is a task: a generator that yields "call me back" and goes on when it is called.
 * Nothing else happens between two yields, and the order of events depends on the seed alone.
 */
export type Waiting = (resume: (value: unknown) => void) => void;
export type Task<T> = Generator<Waiting, T, unknown>;

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Scheduler {
  /** Milliseconds. */
  now = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  at(delayMs: number, run: () => void): void {
    this.#order += 1;
    this.#push({ at: this.now + Math.max(0, delayMs), order: this.#order, run });
  }

  /** Runs a task; `alive` is asked at every step: a process that was killed never goes on. */
  spawn<T>(task: Task<T>, alive: () => boolean, done: (value: T) => void = () => undefined): void {
    const step = (value: unknown): void => {
      if (!alive()) return;
      const { done: ended, value: result } = task.next(value);
      if (ended === true) {
        done(result);
        return;
      }
      let resumed = false;
      result((answer) => {
        if (resumed) return;
        resumed = true;
        step(answer);
      });
    };
    step(undefined);
  }

  /** Something that takes no time, as a task. */
  *atOnce<T>(work: () => T): Task<T> {
    yield (resume) => resume(undefined);
    return work();
  }

  /** Until nothing is left to happen before `until`. */
  run(until = Number.POSITIVE_INFINITY): void {
    for (let first = this.#heap[0]; first !== undefined && first.at <= until; first = this.#heap[0]) {
      this.#pop();
      this.now = first.at;
      first.run();
    }
    if (Number.isFinite(until)) this.now = Math.max(this.now, until);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
      if (left === undefined) break;
      const [child, next] =
        right !== undefined && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1];
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = next;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
