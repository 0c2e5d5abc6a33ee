/**
 * Pieces of a stream that are kept for a while, in order. A client may send a byte at a time: short ones are copied together,
 * for an array of its own costs a hundred times as much memory as a byte, and finding one among a million takes its time.
 */

/** Longer ones are kept as they are. */
const SHORT_BYTES = 4 * 1024;
const BLOCK_BYTES = 16 * 1024;

export class Gathered {
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  /** What is left of the block that the last piece lies in. */
  #free: Uint8Array = new Uint8Array(0);

  get bytes(): number {
    return this.#bytes;
  }

  get pieces(): readonly Uint8Array[] {
    return this.#pieces;
  }

  /** `copy`: the memory of the chunk will be used for something else. */
  add(chunk: Uint8Array, copy: boolean): void {
    this.#bytes += chunk.length;
    if (chunk.length >= SHORT_BYTES) {
      this.#pieces.push(copy ? Uint8Array.from(chunk) : chunk);
      this.#free = new Uint8Array(0);
      return;
    }
    if (chunk.length > this.#free.length) {
      this.#free = new Uint8Array(BLOCK_BYTES);
      this.#pieces.push(this.#free.subarray(0, 0));
    }
    this.#free.set(chunk);
    const last = this.#pieces.pop() ?? this.#free;
    // What was handed out of it before stays as it is.
    this.#pieces.push(new Uint8Array(last.buffer, last.byteOffset, last.length + chunk.length));
    this.#free = this.#free.subarray(chunk.length);
  }

  /** Lets go of whole pieces at the beginning until no more than that are kept. */
  keepLast(bytes: number): void {
    while (this.#bytes > bytes) this.#bytes -= this.#pieces.shift()?.length ?? this.#bytes;
    if (this.#pieces.length === 0) this.#free = new Uint8Array(0);
  }

  /** All of them; nothing is kept any more. */
  take(): readonly Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.keepLast(0);
    this.#bytes = 0;
    return pieces;
  }
}
